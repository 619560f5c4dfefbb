use super::*;
use proptest::{prelude::*, sample::Index};

/// What a table becomes.
#[derive(Debug, Default, PartialEq)]
struct Table {
    text: Vec<u8>,
    rows: u64,
    last: Vec<u8>,
}

/// Splits answers that arrive in pieces. Whole rows are taken after each piece for which this is true.
fn split(keep: &[&str], answers: &[Vec<&[u8]>], mut takes: impl FnMut() -> bool) -> Result<Table, Error> {
    let mut splitter = Splitter::new(keep.iter().map(|name| (*name).to_owned()).collect());
    let mut table = Table::default();
    let mut take = |splitter: &mut Splitter| {
        let (whole, rows) = splitter.take(&mut table.last);
        table.text.extend_from_slice(&whole);
        table.rows += rows;
        splitter.give_back(whole);
    };
    for pieces in answers {
        splitter.begin();
        for piece in pieces {
            splitter.feed(piece)?;
            if takes() {
                take(&mut splitter);
            }
        }
        splitter.finish()?;
        take(&mut splitter);
    }
    Ok(table)
}

fn whole(keep: &[&str], answers: &[&str]) -> Result<Table, Error> {
    split(keep, &answers.iter().map(|answer| vec![answer.as_bytes()]).collect::<Vec<_>>(), || false)
}

/// The lines of a text with their ends, and the cells of each line, byte by byte.
fn lines(text: &[u8]) -> Vec<(Vec<Vec<u8>>, &'static [u8])> {
    let mut all = Vec::new();
    let (mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), false);
    for byte in text {
        match byte {
            b',' if !quoted => cells.push(mem::take(&mut cell)),
            b'\n' if !quoted => {
                let end: &[u8] = if cell.last() == Some(&b'\r') { b"\r\n" } else { b"\n" };
                if end.len() == 2 {
                    cell.pop();
                }
                cells.push(mem::take(&mut cell));
                all.push((mem::take(&mut cells), end));
            }
            other => {
                quoted ^= *other == b'"';
                cell.push(*other);
            }
        }
    }
    assert!(cells.is_empty() && cell.is_empty(), "the text ends with a line");
    all.retain(|(cells, _)| *cells != [Vec::<u8>::new()]);
    all
}

/// The same as the splitter, from the whole texts.
fn plainly(texts: &[Vec<u8>]) -> Table {
    let mut table = Table::default();
    let mut kept: Option<Vec<bool>> = None;
    for text in texts {
        for (number, (cells, end)) in lines(text).into_iter().enumerate() {
            if number == 0 && kept.is_some() {
                continue;
            }
            let kept = kept.get_or_insert_with(|| {
                cells.iter().map(|cell| !String::from_utf8_lossy(cell).contains("pin")).collect()
            });
            let cells: Vec<_> = cells
                .iter()
                .zip(&*kept)
                .filter(|(_, kept)| **kept)
                .map(|(cell, _)| cell.as_slice())
                .collect();
            let line = [cells.join(&b','), end.to_vec()].concat();
            table.text.extend_from_slice(&line);
            if number > 0 {
                table.rows += 1;
                table.last = line;
            }
        }
    }
    table
}

/// Columns of which some are left out, and one or two texts of a table with them.
fn tables() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let column = prop_oneof![
        3 => Just("id"),
        1 => Just("\"a, note\""),
        2 => Just("voucher_pin"),
        1 => Just("\"change pin\""),
    ];
    let columns = proptest::collection::vec(column, 2..7)
        .prop_filter("all left out", |columns| columns.iter().any(|column| !column.contains("pin")));
    let cell = prop_oneof![
        4 => "[a-z0-9.:-]{0,70}",
        1 => Just(String::new()),
        2 => "\"([a-z,\n\r]|\"\"){0,80}\"",
        1 => "[ -+é€\t]{0,9}".prop_map(|text| text.replace(['"', ','], "")),
    ];
    columns.prop_flat_map(move |columns| {
        let header = columns.join(",");
        let row = proptest::collection::vec(cell.clone(), columns.len()).prop_map(|cells| cells.join(","));
        let line =
            (row, prop_oneof![5 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n")]);
        let text = proptest::collection::vec(line, 0..12).prop_map(move |lines| {
            let mut text = format!("{header}\n");
            for (row, end) in lines {
                text += &row;
                text += end;
            }
            text.into_bytes()
        });
        proptest::collection::vec(text, 1..3)
    })
}

/// Cuts a text at these places.
fn cut<'t>(text: &'t [u8], cuts: &[Index]) -> Vec<&'t [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn pieces_become_the_same_table_as_the_whole_texts(
        texts in tables(),
        cuts in proptest::collection::vec(any::<Index>(), 0..12),
        takes in proptest::collection::vec(any::<bool>(), 1..20),
    ) {
        let answers: Vec<_> = texts.iter().map(|text| cut(text, &cuts)).collect();
        let mut takes = takes.into_iter().cycle();
        let table = split(&[], &answers, || takes.next().unwrap()).unwrap();
        prop_assert_eq!(table, plainly(&texts));
    }

    #[test]
    fn a_text_that_is_cut_off_is_an_error_or_ends_with_a_row(texts in tables(), cut: Index) {
        let text = &texts[0];
        let left = &text[..cut.index(text.len())];
        match split(&[], &[vec![left]], || false) {
            Ok(table) => prop_assert_eq!(table, plainly(&[left.to_vec()])),
            // The rest of a row has another number of cells, or no end.
            Err(error) => prop_assert!(matches!(error.kind(), Kind::Interrupted | Kind::Decode), "{}", error),
        }
    }

    #[test]
    fn each_row_with_a_cell_more_or_less_is_an_error(
        rows in proptest::collection::vec("[a-z]{0,30},[a-z]{0,90},[a-z]{0,9}", 1..30),
        at: Index,
        more: bool,
        ends: bool,
    ) {
        let at = at.index(rows.len());
        let mut text = "id,pin,note\n".to_owned();
        for (number, row) in rows.iter().enumerate() {
            match (number == at, more) {
                (true, true) => text += &format!("{row},"),
                (true, false) => text += &row.replacen(',', "", 1),
                (false, _) => text += row,
            }
            text += if ends { "\r\n" } else { "\n" };
        }
        let error = whole(&[], &[&text]).unwrap_err();
        prop_assert_eq!(error.kind(), Kind::Decode);
        let cells = if more { 4 } else { 2 };
        let expected = format!("row {} has {cells} cells, but there are 3 columns", at + 1);
        prop_assert!(error.to_string().contains(&expected), "{}", error);
    }
}

#[test]
fn columns_are_left_out_wherever_they_are_and_kept_by_name() {
    for (text, kept) in [
        ("pin,id\n1,2\n", "id\n2\n"),
        ("id,pin\r\n1,2\r\n", "id\r\n1\r\n"),
        ("pin,voucher_pin,id,PIN\n1,2,3,4\n5,6,7,8\n", "id\n3\n7\n"),
        ("a,pin,b,pins,c\n1,2,3,4,5\n", "a,b,c\n1,3,5\n"),
        ("a,\"voucher pin\"\n1,\"2,\n\"\"\"\n", "a\n1\n"),
        ("\u{feff}pin,a\n1,2\n", "a\n2\n"),
        ("\n\r\na,pin\n\n1,2\n\r\n", "a\n1\n"),
        ("a\nb\n", "a\nb\n"),
        ("spin,pinned\n1,2\n", "spin,pinned\n1,2\n"),
    ] {
        for at in 0..text.len() {
            let (head, tail) = text.as_bytes().split_at(at);
            let table = split(&[], &[vec![head, tail]], || false).unwrap();
            assert_eq!(String::from_utf8(table.text).unwrap(), kept, "{text:?} cut at {at}");
        }
    }
    let text = "id,voucher_pin,change_voucher_pin\n1,2,3\n";
    for (keep, kept) in
        [(&["voucher_pin"][..], "id,voucher_pin\n1,2\n"), (&["Change Voucher PIN", "voucherPin"], text)]
    {
        assert_eq!(whole(keep, &[text]).unwrap().text, kept.as_bytes());
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_a_remedy() {
    let kind = |keep: &[&str], answers: &[&str]| {
        let error = whole(keep, answers).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (mismatch, what) = kind(&["secret"], &["id,pin\n"]);
    assert_eq!(mismatch, Kind::Mismatch);
    assert!(what.contains("no column \"secret\"; its columns are id, pin"), "{what}");
    let (mismatch, what) = kind(&[], &["pin,otp\n"]);
    assert!(mismatch == Kind::Mismatch && what.contains("only secret columns"), "{what}");
    let (mismatch, what) = kind(&[], &["id,a\n1,2\n", "id,b\n1,2\n"]);
    assert!(mismatch == Kind::Mismatch && what.contains("different columns"), "{what}");
    for cut in ["id,a", "id,a\n1,2", "id,a\n1,2\n3", "id,\"a", "id,a\n\"1,2\n"] {
        let (interrupted, what) = kind(&[], &[cut]);
        assert!(interrupted == Kind::Interrupted && what.contains("last line has no end"), "{what}");
    }
    for large in [format!("id,a\n\"{}", "1,2\n".repeat(300_000)), "id,".repeat(400_000)] {
        assert_eq!(kind(&[], &[&large]).0, Kind::TooLarge);
    }
}

#[test]
fn answers_without_rows_or_header_add_nothing() {
    let table =
        whole(&[], &["", "id,pin\n", "id,pin\n1,2\n", "\r\n", "id,pin\r\n3,4\n", "id,pin\n"]).unwrap();
    assert_eq!((String::from_utf8(table.text).unwrap(), table.rows), ("id\n1\n3\n".to_owned(), 2));
    assert_eq!(table.last, b"3\n");
    assert_eq!(whole(&[], &["", ""]).unwrap(), Table::default());
}

#[test]
fn another_attempt_at_an_answer_forgets_the_first_one() {
    let mut splitter = Splitter::new(Vec::new());
    let mut last = Vec::new();
    for broken in ["id,pin\n1,2\n3,\"", "id,p", "id,pin\n1"] {
        splitter.begin();
        splitter.feed(broken.as_bytes()).unwrap();
        assert!(splitter.finish().is_err());
    }
    splitter.begin();
    splitter.feed(b"id,pin\n1,2\n").unwrap();
    splitter.finish().unwrap();
    assert_eq!(splitter.take(&mut last), (b"id\n1\n".to_vec(), 1));
    assert_eq!(last, b"1\n");
}
