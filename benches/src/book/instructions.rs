//! Counts the instructions of an increment under callgrind.

use super::{BY_HAND, DEPTHS, Form, SDK, Stream, UNCHECKED, by_hand, sdk, unchecked};
use crate::measure::verdict;
use std::process::Command;

/// The highest allowed number of instructions of an increment, in multiples of the book by hand. The difference is what follows
/// the scale of the data, for numbers of up to 28 digits.
const AT_MOST: f64 = 1.2;
/// The number of increments that are counted.
const COUNTED: u32 = 20_000;

/// Feeds increments to one candidate, for callgrind. `None` if there is no such candidate or form.
pub fn frames(levels: &str, form: &str, who: &str, count: u32) -> Option<()> {
    let levels = levels.parse().ok().filter(|levels| *levels >= 50)?;
    let form = match form {
        "documented" => Form::Documented,
        "flat" => Form::Flat,
        "one-space" => Form::OneSpace,
        "unknown-field" => Form::UnknownField,
        "bare-numbers" => Form::BareNumbers,
        _ => return None,
    };
    let mut stream = Stream::new(levels, 0, form);
    let snapshot = stream.snapshot();
    let frames = stream.frames(count as usize);
    let mut candidate = match who {
        "by-hand" => by_hand(&snapshot, &frames),
        "unchecked" => unchecked(&snapshot, &frames),
        "sdk" => sdk(SDK, &snapshot, &frames),
        _ => return None,
    };
    the_counted_calls(&mut *candidate.run, count);
    Some(())
}

/// Callgrind counts only inside this function, which it finds by name.
#[inline(never)]
fn the_counted_calls(feed: &mut dyn FnMut(u32), count: u32) {
    feed(std::hint::black_box(count));
    std::hint::black_box(count);
}

/// Compares by counted instructions: runs each candidate under valgrind.
pub fn instructions() -> bool {
    let mut all_ok = true;
    for form in ["documented", "flat"] {
        for levels in DEPTHS {
            println!("\nbook: an increment, {form} form, {levels} levels a side, by instructions");
            let [by_hand, unchecked, sdk] =
                ["by-hand", "unchecked", "sdk"].map(|who| count(levels, form, who));
            let (Some(base), Some(unchecked), Some(ours)) = (by_hand, unchecked, sdk) else {
                println!("  valgrind gave no count; is it installed?");
                return false;
            };
            let bar = verdict(ours / base, AT_MOST, "x", &mut all_ok);
            println!("  {BY_HAND:<28} {base:>12.0}");
            println!("  {UNCHECKED:<28} {unchecked:>12.0} {:>7.3}", unchecked / base);
            println!("  {SDK:<28} {ours:>12.0} {:>7.3}  {bar}", ours / base);
        }
    }
    all_ok
}

/// The number of instructions of one increment.
fn count(levels: usize, form: &str, who: &str) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*the_counted_calls*"])
        .arg("--callgrind-out-file=/dev/null")
        .arg(std::env::current_exe().ok()?)
        .args(["frames", &levels.to_string(), form, who, &COUNTED.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, collected) = text.split_once("Collected :")?;
    let total: f64 = collected.split_whitespace().next()?.parse().ok()?;
    Some(total / f64::from(COUNTED))
}
