//! Cabital's side of the sandbox in a state in which no answer is empty, and what it is asked.

use crate::{Answered, Probe, Samples, Sending, by_hand, canary, head};
use capecrypto_rest::{Client, Codes, Endpoint, Error, FromResponse, Kind, Prepared};
use capecrypto_sandbox::{
    CabitalAccess, Sandbox,
    cabital::{ConnectionState, MatchOutcome, TransferDirection, TransferFee},
};
use capecrypto_testkit::{Covered, Finding, probe};
use serde_json::{Value, json};
use std::time::Duration;

/// Makes the clients of the partner's host and of the host of the link and light modes. The crate that has the signer does this.
pub type Connect = fn(&CabitalAccess) -> (Client, Client);

/// What Cabital's side of the sandbox has.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PartnerSeed {
    /// How to reach it, and the keys.
    pub access: &'static CabitalAccess,
    /// An account that is linked and has money, an own limit and transfers.
    pub account: &'static str,
    /// What the partner calls the customer of that account.
    pub user_ext_ref: &'static str,
    /// An account whose name may be matched. The result is that two fields differ.
    pub to_match: &'static str,
    /// A quote for BTC-USDT, as it was answered.
    pub quote: &'static str,
    /// A conversion that bought 100 USDT, of which nothing was moved.
    pub conversion: &'static str,
    /// A transfer that belongs to a conversion.
    pub transfer: &'static str,
    /// The external id of that transfer.
    pub external_id: &'static str,
    /// A transfer that the customer asked for, and of which no result was reported.
    pub reported: &'static str,
}

/// A text that lives as long as the test, so that a seed can be copied.
fn kept(text: &Value) -> &'static str {
    text.as_str().unwrap().to_owned().leak()
}

async fn ask(client: &Client, method: http::Method, path: String, body: Option<Value>) -> Value {
    let request = client.raw(method, path);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let reply = request.codes(Codes::Numbered { doubtful: &[] }).send().await;
    serde_json::from_slice(&reply.unwrap().body).unwrap()
}

/// Buys 100 USDT, and returns the quote and the conversion's id.
async fn conversion(client: &Client, account: &str) -> (Value, &'static str) {
    let quote = ask(client, http::Method::GET, "/api/v1/quotes/ETH-USDT".to_owned(), None).await;
    assert_eq!(quote["quote"], "2012.5", "the amounts below follow from this price");
    let body = json!({
        "quote_id": quote["quote_id"], "quote": quote["quote"], "pair": "ETH-USDT", "buy_amount": "0.1",
        "sell_amount": "201.25", "major_ccy": "ETH",
    });
    let made = ask(client, http::Method::POST, format!("/api/v1/accounts/{account}/conversions"), Some(body));
    let made = made.await;
    (quote, kept(&made["transaction_id"]))
}

/// Starts the sandbox and fills it.
async fn seeded(connect: Connect) -> (Sandbox, (Client, Client), PartnerSeed) {
    // A quote must live as long as the test needs.
    let sandbox = Sandbox::builder().cabital_quote_valid(Duration::from_secs(600)).start().await.unwrap();
    let access: &'static CabitalAccess = Box::leak(Box::new(sandbox.cabital().clone()));
    let (partner, link) = connect(access);
    let control = sandbox.control().cabital();
    let account = access.account_id.as_str();
    control.set_account_limit(account, "BTC", Some(5.into())).unwrap();
    let fee = TransferFee {
        customer: true,
        percent: true,
        value: 1.into(),
        min: Some(1.into()),
        max: Some(20.into()),
    };
    control.set_fee("USDT", Some(fee)).unwrap();
    let to_match = control.add_account("to-match", ConnectionState::Created, false).unwrap();
    let differs = MatchOutcome::Mismatch(vec!["name".to_owned(), "dob".to_owned()]);
    control.plan_match(&to_match, differs).unwrap();
    let (_, used) = conversion(&partner, account).await;
    let external_id = "adb8f31d-7a71-4003-85d7-3ac58158461f";
    let body = json!({
        "amount": "0.05", "symbol": "ETH", "direction": "DEBIT", "conversion_id": used, "external_id": external_id,
    });
    let transfer =
        ask(&partner, http::Method::POST, format!("/api/v1/accounts/{account}/transfers"), Some(body));
    let transfer = kept(&transfer.await["transfer_id"]);
    let (_, conversion) = conversion(&partner, account).await;
    let reported = control.customer_transfer(account, "USDT", TransferDirection::Debit, 50.into()).unwrap();
    let quote = ask(&partner, http::Method::GET, "/api/v1/quotes/BTC-USDT".to_owned(), None).await;
    let detail = ask(&partner, http::Method::GET, format!("/api/v1/accounts/{account}/detail"), None).await;
    let seed = PartnerSeed {
        access,
        account,
        user_ext_ref: kept(&detail["ext_id"]),
        to_match: to_match.leak(),
        quote: quote.to_string().leak(),
        conversion,
        transfer,
        external_id,
        reported: reported.leak(),
    };
    (sandbox, (partner, link), seed)
}

type AskAll = Box<dyn Fn(Client, &PartnerSeed) -> Sending<Vec<Result<Answered, Error>>>>;

/// What is asked with a call.
pub(crate) struct Asked {
    id: String,
    /// Whether it belongs to the host of the link and light modes.
    is_link: bool,
    ask: AskAll,
    /// Reads a body with the model; the error says why it cannot be read whole.
    read: fn(&[u8]) -> Result<(), String>,
}

impl Asked {
    pub(crate) fn of<E: Endpoint + Samples + 'static>(id: String) -> Self {
        let ask: AskAll = Box::new(|client, seed| {
            let requests: Vec<_> = E::answered_to_partner(seed)
                .iter()
                .map(|request| {
                    let prepared = Prepared::new(request, client.environment()).unwrap();
                    by_hand(&client, prepared).codes(E::CALL.codes)
                })
                .collect();
            Box::pin(async move {
                let mut answers = Vec::new();
                for request in requests {
                    let request = if E::CALL.signed { request } else { request.unsigned() };
                    answers.push(request.send().await.map(|reply| (reply.status, reply.headers, reply.body)));
                }
                answers
            })
        });
        let read = |body: &[u8]| {
            let answer =
                E::Response::from_response(&head(), &body.to_vec().into()).map_err(|e| e.to_string())?;
            answer.unreadable().first().map_or(Ok(()), |row| Err(row.to_string()))
        };
        Self { id, is_link: E::CALL.service.name() != "partner", ask, read }
    }
}

impl Probe {
    /// Checks what Cabital's side of the sandbox answers, in a state in which it has a full row for each call. The model must read each
    /// answer whole.
    ///
    /// # Panics
    /// If a call is refused.
    pub async fn partner_answers(&self, connect: Connect) -> Vec<Finding> {
        let (sandbox, (partner, link), seed) = seeded(connect).await;
        let mut findings = Vec::new();
        for Asked { id, is_link, ask, read } in &self.partner {
            let mut answers = Vec::new();
            for answer in ask(if *is_link { link.clone() } else { partner.clone() }, &seed).await {
                match answer {
                    Ok((status, _, body)) => {
                        read(&body)
                            .unwrap_or_else(|why| panic!("{id}: the model cannot read the answer: {why}"));
                        answers.push((status, body));
                    }
                    // The page of a browser sends it on.
                    Err(error) if error.status() == Some(303) => answers.push((303, Vec::new().into())),
                    Err(error) => panic!("{id}: {error}"),
                }
            }
            let answers: Vec<(u16, &[u8])> =
                answers.iter().map(|(status, body)| (*status, &body[..])).collect();
            findings.extend(probe::answers(&self.spec, id, &answers));
        }
        sandbox.shutdown().await;
        findings.extend(probe::covered(
            &self.spec,
            Covered::Answers,
            self.partner.iter().map(|asked| &asked.id),
        ));
        findings
    }

    /// Sends the samples of each call to Cabital's side of the sandbox. Each must be understood: it succeeds, or it is refused with a
    /// code of the documents, for example because an account does not exist.
    ///
    /// # Panics
    /// If a sample is not understood.
    pub async fn send_partner_samples(&self, connect: Connect) {
        let sandbox = Sandbox::start().await.unwrap();
        let (partner, link) = connect(sandbox.cabital());
        let sending = self.sending.iter().zip(&self.partner);
        for ((_, send), Asked { id, is_link, .. }) in sending {
            for error in send(if *is_link { link.clone() } else { partner.clone() }).await {
                // What a browser opens is not sent by the client; `partner_answers` opens it.
                let is_page = error.kind() == Kind::InvalidArgument
                    && self.spec.operation(id).is_some_and(|operation| operation.answer(303).is_some());
                let own = matches!(error.kind(), Kind::NotFound | Kind::Refused) && !error.codes().is_empty();
                assert!(
                    own || is_page,
                    "{error}\n    fix: the handler in crates/sandbox/src/cabital, or the model that reads the answer"
                );
            }
        }
        sandbox.shutdown().await;
    }

    /// Sends every call to Cabital's side of the sandbox, lets it fail in several ways, and checks that neither the errors nor the log
    /// show one of its sensitive arguments, or the secret that signs. The answers repeat them.
    ///
    /// # Panics
    /// If something is shown, or if no call has a sensitive argument.
    pub async fn partner_keeps_secrets(&self, connect: Connect) {
        let is_page = |id: &str| self.spec.operation(id).is_some_and(|call| call.answer(303).is_some());
        let mut sensitive = 0;
        // What a browser opens is not sent by the client.
        for (id, secrets, _, send) in self.failing.iter().filter(|(id, ..)| !is_page(id)) {
            let is_link = self.partner.iter().any(|asked| asked.id == *id && asked.is_link);
            let target = canary::Target {
                client: &|sandbox| {
                    let (partner, link) = connect(sandbox.cabital());
                    if is_link { link } else { partner }
                },
                inject: |sandbox, fault| sandbox.control().cabital().inject(fault),
                secret: |sandbox| sandbox.cabital().secret.clone(),
            };
            canary::check(id, secrets, &target, send.as_ref()).await;
            sensitive += usize::from(!secrets.is_empty());
        }
        assert!(sensitive > 0, "no call has a sensitive argument");
    }
}
