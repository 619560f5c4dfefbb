//! Tables as CSV: replaces some cells and keeps everything else as it came.

/// The same table with other text in some of its cells: `change` gets the column's name and the cell's text.
pub(crate) fn changed(table: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let separator = separator(table);
    let mut columns: Option<Vec<String>> = None;
    let mut names = Vec::new();
    let mut column = 0;
    let mut out = String::with_capacity(table.len());
    let mut rest = table;
    while !rest.is_empty() {
        let (cell, after) = rest.split_at(cell_length(rest, separator));
        let text = unquoted(cell);
        let name = columns.as_ref().and_then(|columns| columns.get(column));
        match change(name.map_or("", String::as_str), &text) {
            Some(new) => out.push_str(&new),
            None => out.push_str(cell),
        }
        if columns.is_none() {
            names.push(text);
        }
        let mut chars = after.chars();
        let end = chars.next();
        out.extend(end);
        rest = chars.as_str();
        if end == Some(separator) {
            column += 1;
        } else {
            column = 0;
            // The first line that is not empty names the columns.
            let named = std::mem::take(&mut names);
            if columns.is_none() && named.iter().any(|name: &String| !name.is_empty()) {
                columns = Some(named);
            }
        }
    }
    out
}

/// The separator of the cells: the first of the usual ones that occurs in the line of names.
fn separator(table: &str) -> char {
    let names = table.lines().find(|line| !line.is_empty()).unwrap_or_default();
    [',', ';', '\t'].into_iter().find(|mark| names.contains(*mark)).unwrap_or(',')
}

/// Length of the first cell: up to the next separator or line end outside of quotes.
fn cell_length(text: &str, separator: char) -> usize {
    let mut quoted = false;
    let end = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        !quoted && (*c == separator || matches!(c, '\n' | '\r'))
    });
    end.map_or(text.len(), |(at, _)| at)
}

fn unquoted(cell: &str) -> String {
    match cell.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hiding::MARK;

    fn without_pins(table: &str) -> String {
        changed(table, |name, text| (name == "pin" && !text.is_empty()).then(|| MARK.to_owned()))
    }

    #[test]
    fn a_table_keeps_its_form() {
        for table in
            ["", "id,note", "id,note\r\n1,\"two\nlines, and \"\"quotes\"\"\"\r\n\r\n2,\r\n", "a;b\n1;2"]
        {
            assert_eq!(without_pins(table), table);
        }
    }

    #[test]
    fn cells_go_by_the_name_of_their_column() {
        let table = "id,pin,note\n1,77,77\n2,,a\n3,\"7,\n7\",\"pin\"\n";
        assert_eq!(without_pins(table), "id,pin,note\n1,[sensitive],77\n2,,a\n3,[sensitive],\"pin\"\n");
        assert_eq!(without_pins("\r\n\"pin\";id\n7;1\n"), "\r\n\"pin\";id\n[sensitive];1\n");
        assert_eq!(changed("a,b\n1,2", |_, text| (text == "b").then(|| "c".to_owned())), "a,c\n1,2");
    }
}
