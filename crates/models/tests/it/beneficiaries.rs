use capecrypto_models::{Beneficiary, BeneficiaryData, BeneficiaryId, BeneficiaryState, Vasp, VaspState};

fn read(json: &str) -> Beneficiary {
    serde_json::from_str(json).unwrap()
}

#[test]
fn an_id_has_two_names_and_two_forms() {
    for (json, id) in [
        (r#"{"uuid":7,"currency":"btc"}"#, "7"),
        (r#"{"uuid":"7","currency":"btc"}"#, "7"),
        (r#"{"id":7,"currency":"btc"}"#, "7"),
        (r#"{"id":7,"uuid":"7e86a4fa-fcae","currency":"btc"}"#, "7"),
        (r#"{"id":null,"uuid":"7e86a4fa-fcae","currency":"btc"}"#, "7e86a4fa-fcae"),
    ] {
        assert_eq!(read(json).id, id.parse::<BeneficiaryId>().unwrap(), "{json}");
    }
    for bad in [
        r#"{"currency":"btc"}"#,
        r#"{"uuid":"../7","currency":"btc"}"#,
        r#"{"uuid":-7,"currency":"btc"}"#,
        r#"{"uuid":7}"#,
    ] {
        assert!(serde_json::from_str::<Beneficiary>(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_id_in_a_path_is_plain() {
    for bad in ["", "..", "a/b", "7\r\n8", "é", &"7".repeat(65)] {
        assert!(bad.parse::<BeneficiaryId>().is_err(), "{bad:?}");
    }
    let padded: BeneficiaryId = "007".parse().unwrap();
    assert_eq!((padded.number(), padded.to_string().as_str()), (None, "007"));
}

#[test]
fn states_are_words_or_digits() {
    let state = |json: &str| read(&format!(r#"{{"uuid":7,"currency":"btc","state":{json}}}"#)).state;
    for (json, wanted) in [
        ("\"pending\"", BeneficiaryState::Pending),
        ("\"Active\"", BeneficiaryState::Active),
        ("0", BeneficiaryState::Pending),
        ("1", BeneficiaryState::Active),
        ("\"1\"", BeneficiaryState::Active),
        ("2", BeneficiaryState::Archived),
    ] {
        assert_eq!(state(json), Some(wanted), "{json}");
    }
    assert!(!state("3").unwrap().is_known());
    let active = |json: &str| read(json).is_active();
    assert!(active(r#"{"uuid":7,"currency":"btc","state":1}"#));
    assert!(
        !active(r#"{"uuid":7,"currency":"btc","state":"enabled"}"#)
            && !active(r#"{"uuid":7,"currency":"btc"}"#)
    );
}

#[test]
fn data_is_read_as_object_and_as_text_and_keeps_every_field() {
    let object = r#"{"address":"bc1q","tag":123456789,"is_own":"false","is_unhosted":true,"vasp_id":"12","amount":0.10000000000000000000001,"recipient_data":{"first_name":"John","country":"US","new":1}}"#;
    let text = serde_json::to_string(object).unwrap();
    for json in [object, text.as_str()] {
        let data: BeneficiaryData = serde_json::from_str(json).unwrap();
        assert_eq!(data.as_json(), object);
        assert_eq!(data.address().unwrap().expose(), "bc1q");
        assert_eq!(data.tag().unwrap().expose(), "123456789");
        assert_eq!((data.is_own(), data.is_unhosted()), (Some(false), Some(true)));
        assert_eq!(data.vasp_id().unwrap().get(), 12);
        assert_eq!(data.field("amount").unwrap().expose(), "0.10000000000000000000001");
        let recipient = data.recipient().unwrap();
        assert_eq!(recipient.first_name.unwrap().expose(), "John");
        assert_eq!((recipient.country.unwrap().expose().as_str(), recipient.last_name), ("US", None));
        assert_eq!(serde_json::to_string(&data).unwrap(), json, "written as it came");
    }
}

#[test]
fn odd_data_is_kept_and_has_no_fields() {
    for json in ["\"\"", "\"bc1q\"", "[1]", "7", "{}", "{\"address\":{\"x\":1},\"is_own\":\"perhaps\"}"] {
        let data: BeneficiaryData = serde_json::from_str(json).unwrap();
        assert_eq!((data.address(), data.is_own(), data.recipient()), (None, None, None), "{json}");
        assert_eq!(serde_json::to_string(&data).unwrap(), json);
    }
    let absent = read(r#"{"uuid":7,"currency":"btc","data":null}"#);
    assert!(absent.data.is_none() && absent.name.is_none());
}

#[test]
fn nothing_personal_of_a_beneficiary_is_shown() {
    let beneficiary = read(
        r#"{"uuid":7,"currency":"zar","name":"canary","description":"canary","state":"active",
            "data":{"full_name":"canary","account_number":"canary","recipient_data":{"first_name":"canary"}}}"#,
    );
    let data = beneficiary.data.as_ref().unwrap();
    let shown = format!(
        "{beneficiary:?} {:?} {:?} {:?}",
        data.full_name(),
        data.field("account_number"),
        data.recipient()
    );
    assert!(!shown.contains("canary") && shown.contains("BeneficiaryId(7)"), "{shown}");
    for bad in [
        r#"{"uuid":7,"currency":"zar","name":{"canary":1}}"#,
        r#"{"uuid":7,"currency":"zar","name":["canary"]}"#,
    ] {
        let error = serde_json::from_str::<Beneficiary>(bad).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn a_vasp_of_a_state_that_is_not_known_is_kept() {
    let vasp: Vasp = serde_json::from_str(
        r#"{"id":"12","name":"Baobab","state":"blocked","created_at":"2024-01-02T08:46:59+01:00"}"#,
    )
    .unwrap();
    assert_eq!(
        (vasp.id.get(), vasp.state.clone().unwrap().is_known(), vasp.email.clone()),
        (12, false, None)
    );
    assert_ne!(vasp.state, Some(VaspState::Active));
}
