//! Deliveries on a clock of the test: the schedule, each fault, who gets them, and what a record leads to.

use super::*;
use crate::{
    base::config::Profile,
    exchange::{
        Exchange,
        market::engine::Rules,
        notice::{Protocol, Webhook},
        people::{
            AddAccount, Role,
            sub_accounts::CreateSubAccount,
            webhooks::{RemoveWebhook, SetWebhook},
        },
    },
};

const URL: &str = "http://127.0.0.1:1/hook";

/// As the documents write them: 30 s, 60 s, 5 min, 10 min, 30 min, 1 h, 2 h.
const RETRIES: [i64; 7] =
    [30 * 1_000, 60 * 1_000, 5 * 60_000, 10 * 60_000, 30 * 60_000, 60 * 60_000, 2 * 60 * 60_000];

fn webhook(url: &str) -> Webhook {
    Webhook { url: url.to_owned(), secret: Some("c4nary".to_owned()), protocol: Protocol::Hmac }
}

/// An exchange with one account that has a webhook.
struct Test {
    exchange: Exchange,
    shop: AccountId,
}

impl Test {
    fn new() -> Self {
        let mut exchange = Exchange::new(3, Rules::of(Profile::Docs));
        let add = AddAccount { name: "shop".to_owned(), role: Role::Merchant };
        let shop = exchange.run(add, 0).unwrap();
        exchange.run(SetWebhook { account: shop, webhook: webhook(URL) }, 0);
        Self { exchange, shop }
    }

    /// Sends an event, and gives the number of its delivery.
    fn send(&mut self, event: &str, at_ms: i64) -> u64 {
        let body = body(event, [("amount", r#""1.10""#.to_owned())].into_iter());
        self.exchange.run(SendEvent { account: self.shop, event: event.to_owned(), body }, at_ms)
    }

    fn end(&mut self, delivery: u64, attempt: usize, end: AttemptEnd, at_ms: i64) {
        self.exchange.run(EndAttempt { delivery, attempt, end }, at_ms);
    }

    fn disturb(&mut self, event: Option<&str>, fault: WebhookFault, times: u32) {
        self.exchange.run(DisturbWebhooks { event: event.map(str::to_owned), fault, times }, 0);
    }

    fn delivery(&self, number: u64) -> &Delivery {
        self.exchange.webhooks().get(number).unwrap()
    }

    /// The deliveries and attempts that are due.
    fn due(&self) -> Vec<(u64, usize)> {
        self.exchange.webhooks().due.iter().copied().collect()
    }

    fn outgoing(&self) -> Outgoing {
        self.exchange.webhooks().next_attempt(|_| false).unwrap()
    }
}

fn status(status: u16) -> AttemptEnd {
    AttemptEnd::Status(status)
}

#[test]
fn a_receiver_that_refuses_is_tried_eight_times_at_the_documented_gaps() {
    let mut test = Test::new();
    let number = test.send("payment_reference.completed", 1_000);
    let (mut now_ms, mut began) = (1_000, vec![1_000]);
    for (attempt, gap_ms) in RETRIES.into_iter().enumerate() {
        assert_eq!(test.due(), [(number, attempt)]);
        // Each answer takes longer than the one before. The wait begins with the answer.
        now_ms += i64::try_from(attempt).unwrap() * 7;
        let end = if attempt == 3 { AttemptEnd::Failed("timeout".to_owned()) } else { status(500) };
        test.end(number, attempt, end, now_ms);
        assert_eq!((test.due(), test.delivery(number).next_at_ms), (vec![], Some(now_ms + gap_ms)));
        test.exchange.fire_due(now_ms + gap_ms - 1);
        assert_eq!(test.due(), []);
        now_ms += gap_ms;
        test.exchange.fire_due(now_ms);
        began.push(now_ms);
    }
    assert_eq!(test.due(), [(number, 7)]);
    test.end(number, 7, status(301), now_ms);
    let delivery = test.delivery(number);
    assert_eq!((delivery.state, delivery.next_at_ms), (WebhookState::GivenUp, None));
    let times: Vec<i64> = delivery.attempts.iter().map(|attempt| attempt.at_ms).collect();
    assert_eq!(times, began);
    assert_eq!(began.len(), 8);
    assert_eq!(test.exchange.next_due(), None);
    test.exchange.fire_due(now_ms + 100_000_000);
    assert_eq!(test.due(), []);
}

#[test]
fn any_2xx_ends_a_delivery_and_nothing_else_does() {
    for (answer, state) in [
        (200, WebhookState::Delivered),
        (299, WebhookState::Delivered),
        (199, WebhookState::Waiting),
        (300, WebhookState::Waiting),
        (404, WebhookState::Waiting),
    ] {
        let mut test = Test::new();
        let number = test.send("x", 0);
        test.end(number, 0, status(answer), 1);
        assert_eq!(test.delivery(number).state, state, "{answer}");
    }
    let mut test = Test::new();
    let number = test.send("x", 0);
    test.end(number, 0, AttemptEnd::NotMade("another machine".to_owned()), 1);
    assert_eq!((test.delivery(number).state, test.exchange.next_due()), (WebhookState::NotSent, None));
    // What has ended does not end again.
    test.end(number, 0, status(200), 2);
    test.end(number, 1, status(200), 2);
    test.end(9, 0, status(200), 2);
    assert_eq!(test.delivery(number).state, WebhookState::NotSent);
}

#[test]
fn the_body_is_the_event_and_its_fields_in_their_order() {
    let mut test = Test::new();
    let fields = [
        ("zone", Json::from("a \"b\"")),
        ("amount", Json::from("100.00")),
        ("id", Json::from(7)),
        ("none", Json::Null),
    ];
    let notice = Notice { account: test.shop, own: None, event: "deposit.accepted", fields: fields.into() };
    test.exchange.desk.announce(notice);
    test.exchange.follow_up(5);
    let body = r#"{"event":"deposit.accepted","zone":"a \"b\"","amount":"100.00","id":7,"none":null}"#;
    assert_eq!(test.delivery(1).body, body);
    let request = test.outgoing().request;
    assert_eq!((request.body, request.url.as_str()), (body.as_bytes().to_vec(), URL));
    assert_eq!(request.header, signature::header(&webhook(URL), body.as_bytes()));
    assert!(!format!("{:?}", test.exchange).contains("c4nary"));
}

#[test]
fn the_reference_s_own_webhook_comes_first_then_the_account_s_then_its_parent_s() {
    let mut test = Test::new();
    let till = CreateSubAccount { name: "till".to_owned(), ..CreateSubAccount::of(test.shop) };
    let uid = test.exchange.run(till, 0).uid;
    let till = test.exchange.people().by_name(&uid).unwrap();
    let told = |test: &mut Test, own: Option<&str>| {
        let own = own.map(webhook);
        let notice = Notice { account: till, own, event: "deposit.accepted", fields: Vec::new() };
        test.exchange.desk.announce(notice);
        test.exchange.follow_up(0);
        let newest = test.exchange.webhooks().newest();
        let receiver = test.delivery(newest).receiver.clone();
        receiver.map(|receiver| (receiver.account, receiver.webhook.url))
    };
    assert_eq!(told(&mut test, None), Some((Some(test.shop), URL.to_owned())));
    test.exchange.run(SetWebhook { account: till, webhook: webhook("http://till") }, 0);
    assert_eq!(told(&mut test, None), Some((Some(till), "http://till".to_owned())));
    assert_eq!(told(&mut test, Some("http://own")), Some((None, "http://own".to_owned())));
    // Later changes do not move what is on its way.
    test.exchange.run(RemoveWebhook { account: till }, 0);
    test.exchange.run(RemoveWebhook { account: test.shop }, 0);
    assert_eq!(test.delivery(2).receiver.as_ref().unwrap().webhook.url, "http://till");
    assert_eq!(told(&mut test, None), None);
    assert_eq!(test.delivery(4).state, WebhookState::NoReceiver);
    assert_eq!(test.due(), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(test.exchange.run(SendAgain { delivery: 4 }, 0), Err(NotAgain::NoReceiver));
    assert_eq!(test.exchange.run(SendAgain { delivery: 5 }, 0), Err(NotAgain::Unknown));
}

#[test]
fn twice_is_a_copy_after_the_first() {
    let mut test = Test::new();
    test.disturb(None, WebhookFault::Twice, 1);
    let number = test.send("x", 0);
    assert_eq!(test.due(), [(number, 0), (number, 1)]);
    let busy = test.exchange.webhooks().next_attempt(|busy| busy == number);
    assert!(busy.is_none(), "one attempt at a time");
    test.end(number, 0, status(200), 1);
    let copy = test.outgoing();
    assert_eq!((copy.attempt, copy.reason), (1, AttemptReason::Copy));
    test.end(number, 1, status(500), 2);
    assert_eq!((test.delivery(number).state, test.exchange.next_due()), (WebhookState::Delivered, None));
    test.send("x", 3);
    assert_eq!(test.due(), [(2, 0)], "the fault was for one delivery");
}

#[test]
fn out_of_order_waits_for_the_next_one_to_end() {
    let mut test = Test::new();
    test.disturb(None, WebhookFault::OutOfOrder, 2);
    let first = test.send("a", 0);
    assert_eq!((test.due(), test.delivery(first).state), (vec![], WebhookState::Held));
    let second = test.send("b", 1);
    assert_eq!(test.due(), [(second, 0)]);
    test.end(second, 0, status(500), 2);
    assert_eq!(test.due(), [(first, 0)], "whatever the end was");
    test.exchange.fire_due(30_002);
    test.end(second, 1, status(200), 30_003);
    assert_eq!(test.due(), [(first, 0)], "and only once");
    // The second planned one has no next delivery. To clear the faults sends it.
    let third = test.send("c", 40_000);
    assert_eq!(test.due(), [(first, 0)]);
    test.exchange.run(ClearWebhookFaults {}, 40_001);
    assert_eq!(test.due(), [(first, 0), (third, 0)]);
    assert_eq!(test.delivery(third).attempts[0].at_ms, 40_001);
}

#[test]
fn never_is_in_the_log_and_slow_waits_on_the_clock() {
    let mut test = Test::new();
    test.disturb(Some("lost"), WebhookFault::Never, 1);
    test.disturb(Some("late"), WebhookFault::Slow(5_000), 1);
    let (other, lost, late) = (test.send("other", 0), test.send("lost", 0), test.send("late", 10));
    assert_eq!(test.due(), [(other, 0)]);
    assert_eq!(test.delivery(lost).state, WebhookState::Dropped);
    assert_eq!(test.delivery(late).next_at_ms, Some(5_010));
    test.exchange.fire_due(5_010);
    assert_eq!(test.due(), [(other, 0), (late, 0)]);
    // The wait is no retry: all seven are left.
    test.end(late, 0, status(500), 5_020);
    assert_eq!(test.delivery(late).next_at_ms, Some(35_020));
    assert_eq!(test.exchange.run(SendAgain { delivery: lost }, 6_000), Ok(()));
    test.end(lost, 0, status(204), 6_001);
    assert_eq!(test.delivery(lost).state, WebhookState::Delivered);
}

#[test]
fn a_forged_first_attempt_is_followed_by_a_right_one() {
    for fault in [WebhookFault::WrongSecret, WebhookFault::OtherBody] {
        let mut test = Test::new();
        test.disturb(None, fault, 1);
        let number = test.send("x", 0);
        let body = test.delivery(number).body.clone().into_bytes();
        let right = signature::header(&webhook(URL), &body);
        let forged = test.outgoing().request;
        match fault {
            WebhookFault::WrongSecret => assert!(forged.header != right && forged.body == body),
            _ => assert!(forged.header == right && forged.body != body && forged.body.len() == body.len()),
        }
        test.end(number, 0, status(401), 1);
        test.exchange.fire_due(30_001);
        let retry = test.outgoing().request;
        assert!(retry.header == right && retry.body == body);
        let by_hand = test.exchange.webhooks().request(number).unwrap();
        assert!(by_hand.header == right && by_hand.body == body);
    }
}

#[test]
fn an_attempt_by_hand_does_not_move_the_retries_unless_it_arrives() {
    let mut test = Test::new();
    let number = test.send("x", 0);
    test.end(number, 0, status(500), 0);
    test.exchange.run(SendAgain { delivery: number }, 10_000).unwrap();
    assert_eq!(test.outgoing().reason, AttemptReason::ByHand);
    test.end(number, 1, status(500), 10_001);
    assert_eq!(test.delivery(number).next_at_ms, Some(30_000));
    test.exchange.run(SendAgain { delivery: number }, 20_000).unwrap();
    test.end(number, 2, status(200), 20_001);
    assert_eq!(test.delivery(number).state, WebhookState::Delivered);
    test.exchange.fire_due(40_000);
    assert_eq!(test.due(), [], "no retry of what has arrived");
}

#[test]
fn the_newest_deliveries_are_kept_and_older_ones_until_they_are_finished() {
    let mut test = Test::new();
    let kept =
        |test: &Test| test.exchange.webhooks().after(0).map(|delivery| delivery.number).collect::<Vec<_>>();
    // One waits for its retry, one for its first attempt, one was sent again by hand, and one is held back.
    let (retried, waiting, by_hand) = (test.send("x", 0), test.send("x", 0), test.send("x", 0));
    test.end(retried, 0, status(500), 0);
    test.end(by_hand, 0, status(200), 0);
    assert_eq!(test.exchange.run(SendAgain { delivery: by_hand }, 0), Ok(()));
    for number in 4..=KEPT {
        assert_eq!(test.send("x", 0), number);
        test.end(number, 0, status(200), 0);
    }
    assert_eq!(kept(&test), (1..=KEPT).collect::<Vec<_>>());
    test.disturb(Some("held"), WebhookFault::OutOfOrder, 1);
    let held = test.send("held", 0);
    for later in 1..=4 {
        test.disturb(Some("never"), WebhookFault::Never, 1);
        assert_eq!(test.send("never", 0), held + later);
    }
    assert_eq!(kept(&test), (1..=3).chain(6..=held + 4).collect::<Vec<_>>());
    // What was dropped is unknown.
    assert_eq!(test.exchange.run(SendAgain { delivery: 4 }, 0), Err(NotAgain::Unknown));
    test.end(4, 0, status(500), 0);

    // Those that are old are dropped when they are finished.
    test.end(waiting, 0, status(200), 1);
    assert_eq!(kept(&test)[..3], [1, 3, 6]);
    test.end(by_hand, 1, status(404), 1);
    assert_eq!(kept(&test)[..2], [1, 6]);
    test.exchange.fire_due(30_000);
    assert_eq!(test.due(), [(retried, 1)]);
    test.end(retried, 1, status(200), 30_000);
    assert_eq!(kept(&test), (6..=held + 4).collect::<Vec<_>>());

    // The one that is held back outlives all that come and go, and is sent in the end.
    test.disturb(Some("never"), WebhookFault::Never, u32::try_from(KEPT).unwrap());
    for _ in 0..KEPT {
        test.send("never", 30_000);
    }
    assert_eq!(kept(&test).len(), usize::try_from(KEPT).unwrap() + 1);
    let next = test.send("x", 30_000);
    test.end(next, 0, status(200), 30_000);
    assert_eq!(test.due(), [(held, 0)]);
    test.end(held, 0, status(200), 30_000);
    assert_eq!(kept(&test), (next + 1 - KEPT..=next).collect::<Vec<_>>());
}
