use super::*;
use crate::lists::Slot as S;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    time("2026-04-09T12:00:00Z")
}

fn uid(text: &str) -> Uid {
    text.parse().unwrap()
}

/// Documents of one holder, uploaded one after the other today.
fn uploaded(of: &str, kinds: &[&str]) -> Vec<UploadedDocument> {
    let at = |index| Timestamp::from_unix_seconds(now().as_unix_seconds() - 100 + index).unwrap();
    (0..).zip(kinds).map(|(index, kind)| UploadedDocument::new(uid(of), *kind, at(index))).collect()
}

fn person(kinds: &[&str]) -> Requirements {
    Requirements::for_person(&uid("U1"), &uploaded("U1", kinds), now())
}

/// The slots that are open, of the holder and of its UBOs.
fn open(requirements: &Requirements) -> Vec<Slot> {
    requirements.open().map(|(_, slot)| slot.slot).collect()
}

fn extra(requirements: &Requirements) -> Vec<(&str, ExtraReason)> {
    requirements.extra.iter().map(|extra| (extra.document.kind.as_str(), extra.reason)).collect()
}

#[test]
fn a_person_is_complete_with_three_documents_or_with_four() {
    assert_eq!(open(&person(&[])), [S::IdentityFront, S::Selfie, S::ProofOfAddress]);
    let rest = ["Selfie", "Proof of Address"];
    for alone in ["Passport", "Passport other", "Identity book", "Green Identity Book"] {
        let complete = person(&[&[alone][..], &rest].concat());
        assert!(complete.is_complete() && complete.slots.len() == 3, "{complete}");
    }
    let licences = ["Driver license", "Drivers license", "Driver license front"];
    let licence_backs = ["Driver license back", "Drivers license back"];
    for (fronts, backs) in [
        (&["Identity card", "Identity card front"][..], &["Identity card back"][..]),
        (&licences, &licence_backs),
    ] {
        for front in fronts {
            let lacking = person(&[&[*front][..], &rest].concat());
            assert_eq!(open(&lacking), [S::IdentityBack], "{lacking}");
            assert_eq!(lacking.slots[1].accepts, backs);
            for back in backs {
                let complete = person(&[&rest[..], &[*back, *front]].concat());
                assert!(complete.is_complete() && complete.slots.len() == 4, "{complete}");
                assert_eq!(extra(&complete), []);
            }
        }
    }
}

#[test]
fn a_back_fits_its_own_front_only() {
    let mixed = person(&["Identity card", "Drivers license back", "Selfie", "Proof of Address"]);
    assert_eq!(open(&mixed), [S::IdentityBack]);
    assert_eq!(extra(&mixed), [("Drivers license back", ExtraReason::WithoutFront)]);
    let alone = person(&["Identity card back"]);
    assert_eq!(open(&alone), [S::IdentityFront, S::Selfie, S::ProofOfAddress]);
    assert_eq!(extra(&alone), [("Identity card back", ExtraReason::WithoutFront)]);
}

#[test]
fn of_several_identity_papers_a_whole_one_counts() {
    // The card came last, but only the passport is whole.
    let both = person(&["Passport", "Identity card", "Selfie", "Proof of Address"]);
    assert!(both.is_complete(), "{both}");
    assert_eq!(extra(&both), [("Identity card", ExtraReason::Replaced)]);
    // Of two whole ones the newer one.
    let newer = person(&["Passport", "Identity card back", "Identity card", "Identity card back"]);
    let filled: Vec<_> = newer.slots.iter().filter_map(|slot| slot.state.document()).collect();
    assert_eq!(filled.len(), 2);
    assert!(filled[0].kind == "Identity card" && filled[1].at > filled[0].at);
    let replaced = ExtraReason::Replaced;
    assert_eq!(extra(&newer), [("Passport", replaced), ("Identity card back", replaced)]);
}

#[test]
fn what_fills_no_slot_is_reported() {
    let kinds = ["Proof of Moon", "Source of Funds", "AML Policy"];
    let reasons = |funds| {
        [
            ("Proof of Moon", ExtraReason::Unknown),
            ("Source of Funds", funds),
            ("AML Policy", ExtraReason::NotListed),
        ]
    };
    assert_eq!(extra(&person(&kinds)), reasons(ExtraReason::NotRequired));
    let ubo = Requirements::for_ubo(&uid("U1"), &uploaded("U1", &kinds), now());
    assert_eq!(extra(&ubo), reasons(ExtraReason::NotListed));
    assert_eq!(open(&ubo).len(), 3);
    let other = Requirements::for_person(&uid("U2"), &uploaded("U1", &kinds), now());
    assert_eq!(extra(&other), [], "they are another's");
}

#[test]
fn a_bill_is_too_old_when_it_is_three_months_old() {
    let state = |issued: Option<&str>, uploaded: Timestamp| {
        let document = UploadedDocument::new(uid("U1"), "Proof of Address", uploaded);
        let document = match issued {
            Some(day) => document.issued(day.parse().unwrap()),
            None => document,
        };
        let requirements = Requirements::for_person(&uid("U1"), &[document], now());
        let slot = requirements.slots.iter().find(|slot| slot.slot == S::ProofOfAddress).unwrap();
        match &slot.state {
            SlotState::Filled { until, .. } => format!("until {}", until.unwrap()),
            SlotState::TooOld { since, .. } => format!("too old since {since}"),
            SlotState::Missing => "missing".to_owned(),
        }
    };
    assert_eq!(state(Some("2026-01-10"), now()), "until 2026-04-10");
    assert_eq!(state(Some("2026-01-09"), now()), "too old since 2026-04-09");
    assert_eq!(state(Some("2024-11-30"), now()), "too old since 2025-02-28");
    // Without the day of issue, it is at least as old as its upload.
    assert_eq!(state(None, time("2026-01-10T00:00:00Z")), "until 2026-04-10");
    assert_eq!(state(None, time("2026-01-09T23:59:59Z")), "too old since 2026-04-09");
    // A newer one counts, in whatever order they come.
    let bill =
        |day: &str| UploadedDocument::new(uid("U1"), "Proof of Address", now()).issued(day.parse().unwrap());
    for bills in [[bill("2026-04-01"), bill("2020-01-01")], [bill("2020-01-01"), bill("2026-04-01")]] {
        let requirements = Requirements::for_person(&uid("U1"), &bills, now());
        assert_eq!(open(&requirements), [S::IdentityFront, S::Selfie]);
        assert_eq!(extra(&requirements), [("Proof of Address", ExtraReason::Replaced)]);
    }
}

#[test]
fn a_business_needs_nine_documents_and_those_of_every_owner() {
    let nine: Vec<_> = Holder::Business.documents().map(|rule| rule.name).collect();
    assert_eq!(nine.len(), 9);
    let owner = ["Passport", "Selfie", "Proof of Address"];
    let mut documents = [uploaded("B1", &nine), uploaded("O1", &owner), uploaded("O2", &owner)].concat();
    let business = |documents: &[UploadedDocument], ubos: &[&str]| {
        let ubos: Vec<_> = ubos.iter().map(|ubo| uid(ubo)).collect();
        Requirements::for_business(&uid("B1"), &ubos, documents, now())
    };
    assert!(business(&documents, &["O1", "O2"]).is_complete());
    let without = business(&documents, &[]);
    assert!(without.lacks_ubos() && !without.is_complete(), "{without}");
    let more = business(&documents, &["O1", "O3"]);
    let open_of: Vec<_> = more.open().map(|(uid, slot)| (uid.to_string(), slot.slot)).collect();
    let wanted = [S::IdentityFront, S::Selfie, S::ProofOfAddress].map(|slot| ("O3".to_owned(), slot));
    assert_eq!(open_of, wanted);
    // Each of the nine counts: the documents' own example sends eight.
    for missing in &nine {
        let eight: Vec<_> = documents.iter().filter(|document| document.kind != *missing).cloned().collect();
        assert_eq!(business(&eight, &["O1"]).open().count(), 1, "{missing}");
    }
    for document in documents.iter_mut().filter(|document| document.uid == uid("B1")) {
        document.issued = Some("2026-01-01".parse().unwrap());
    }
    assert_eq!(open(&business(&documents, &["O1"])), [S::ProofOfAddress, S::BankStatement]);
}

#[test]
fn it_reads_as_a_table() {
    let mut documents = uploaded("U1", &["Identity card", "Proof of Address", "Proof of Moon"]);
    documents[1].issued = Some("2025-12-31".parse().unwrap());
    let shown = Requirements::for_person(&uid("U1"), &documents, now()).to_string();
    assert_eq!(
        shown,
        "U1, a person: 1 of 4\n    \
         identity front: Identity card\n    \
         identity back: missing; upload Identity card back\n    \
         selfie: missing; upload Selfie\n    \
         proof of address: Proof of Address, too old since 2026-03-31; upload a newer one\n    \
         Proof of Moon: this version does not know its type"
    );
}

/// Any documents of several holders: nothing is lost, nothing counts twice, and one more document never makes it worse.
#[test]
fn every_document_is_somewhere_once() {
    let seed = 0x5eed_u64;
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let kinds: Vec<_> = [Holder::Person, Holder::Business]
        .iter()
        .flat_map(|holder| holder.documents())
        .map(|rule| rule.name)
        .collect();
    for _ in 0..500 {
        let kinds: Vec<_> = (0..random(8)).map(|_| kinds[random(kinds.len())]).collect();
        let documents = uploaded("U1", &kinds);
        for make in [Requirements::for_person, Requirements::for_ubo, |uid: &Uid, documents: &[_], now| {
            Requirements::for_business(uid, &[], documents, now)
        }] {
            let whole = make(&uid("U1"), &documents, now());
            let in_slots = whole.slots.iter().filter_map(|slot| slot.state.document());
            let mut all: Vec<_> = in_slots.chain(whole.extra.iter().map(|extra| &extra.document)).collect();
            all.sort_by_key(|document| document.at);
            assert!(all.into_iter().eq(&documents), "seed {seed:x}: {kinds:?}");
            let fewer = make(&uid("U1"), documents.get(1..).unwrap_or_default(), now());
            assert!(open(&whole).len() <= open(&fewer).len(), "seed {seed:x}: {kinds:?}");
        }
    }
}

#[test]
fn an_answer_tells_whose_documents_are_needed() {
    let holder = |answer: &str| {
        let customer = serde_json::from_str(answer).unwrap();
        let requirements = Requirements::for_customer(&customer, &uploaded("U1", &["Selfie"]), now());
        (requirements.holder, requirements.ubos.len(), requirements.unknown_ubos, requirements.lacks_ubos())
    };
    let person = (Holder::Person, 0, 0, false);
    assert_eq!(holder(r#"{"uid":"U1","entity_type":"individual"}"#), person);
    assert_eq!(holder(r#"{"uid":"U1"}"#), person);
    assert_eq!(holder(r#"{"uid":"U1","entity_type":"business"}"#), (Holder::Business, 0, 0, true));
    let ubos = r#""ubos":[{"uid":"O1"},{"kyc_status":"pending"}]"#;
    for entity in ["", r#""entity_type":"business","#, r#""entity_type":"club","#] {
        let answer = format!(r#"{{"uid":"U1",{entity}{ubos}}}"#);
        assert_eq!(holder(&answer), (Holder::Business, 1, 1, false), "{answer}");
    }
    // An owner without a uid may need anything.
    let nine: Vec<_> = Holder::Business.documents().map(|rule| rule.name).collect();
    let customer = serde_json::from_str(r#"{"uid":"U1","entity_type":"business","ubos":[{}]}"#).unwrap();
    let requirements = Requirements::for_customer(&customer, &uploaded("U1", &nine), now());
    assert!(requirements.open().count() == 0 && !requirements.is_complete(), "{requirements}");
}
