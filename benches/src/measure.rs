//! The frame: candidates run in turn, round by round, and what is compared stands side by side in one round.
//!
//! A machine gets slower and faster while it measures. Within one round it does so for all candidates alike, so each
//! round gives a ratio to its own base, and the median over the rounds is what counts.

use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// What is measured: a name, and a function that does the work so many times.
pub struct Candidate<'a> {
    pub name: &'static str,
    pub run: Box<dyn FnMut(u32) + 'a>,
}

/// How long to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: u32,
    /// Calls of one candidate in one round.
    pub calls: u32,
}

/// Which clock a bar is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// What passes on the wall.
    Wall,
    /// What the measuring thread spends on a processor. Servers run elsewhere and do not count.
    Cpu,
}

/// What a candidate may cost at most.
pub struct Bar {
    pub candidate: &'static str,
    pub clock: Clock,
    /// In multiples of the base, which is the first candidate.
    pub at_most: f64,
}

/// One candidate's figures.
pub struct Measured {
    pub name: &'static str,
    /// Medians, for one call.
    pub wall: Duration,
    pub cpu: Duration,
    /// Medians of the rounds' ratios to the base.
    pub wall_ratio: f64,
    pub cpu_ratio: f64,
}

/// Runs the candidates, the first of which is the base.
pub fn compare(plan: Plan, candidates: &mut [Candidate<'_>]) -> Vec<Measured> {
    for candidate in &mut *candidates {
        // Connections, caches, branch predictors.
        (candidate.run)(plan.calls);
    }
    let count = candidates.len();
    let mut rounds: Vec<Turns> = Vec::new();
    for round in 0..plan.rounds as usize {
        let mut turns = vec![(0.0, 0.0); count];
        for turn in 0..count {
            // Another one begins each time: nobody always runs after the same neighbour.
            let index = (round + turn) % count;
            turns[index] = time(|| (candidates[index].run)(plan.calls));
        }
        rounds.push(turns);
    }
    let each_call = |seconds: f64| Duration::from_secs_f64(seconds / f64::from(plan.calls));
    let measured = |(index, candidate): (usize, &Candidate<'_>)| Measured {
        name: candidate.name,
        wall: each_call(of_rounds(&rounds, |turns| turns[index].0)),
        cpu: each_call(of_rounds(&rounds, |turns| turns[index].1)),
        wall_ratio: of_rounds(&rounds, |turns| turns[index].0 / turns[0].0),
        cpu_ratio: of_rounds(&rounds, |turns| turns[index].1 / turns[0].1),
    };
    candidates.iter().enumerate().map(measured).collect()
}

/// Each candidate's seconds in one round.
type Turns = Vec<(f64, f64)>;

fn of_rounds(rounds: &[Turns], figure: impl Fn(&Turns) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

/// Seconds on the wall and seconds of this thread on a processor.
fn time(work: impl FnOnce()) -> (f64, f64) {
    let (wall, cpu) = (Instant::now(), thread_cpu());
    work();
    let cpu = thread_cpu() - cpu;
    (wall.elapsed().as_secs_f64(), cpu.as_secs_f64())
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}

/// Prints a comparison; false where a bar is passed.
pub fn report(title: &str, measured: &[Measured], bars: &[Bar]) -> bool {
    println!("\n{title}");
    println!("  {:<28} {:>10} {:>10} {:>7} {:>7}  bar", "for one call", "wall", "cpu", "x wall", "x cpu");
    let mut all_ok = true;
    for row in measured {
        let verdict = bars.iter().find(|bar| bar.candidate == row.name).map(|bar| {
            let (figure, clock) = match bar.clock {
                Clock::Wall => (row.wall_ratio, "wall"),
                Clock::Cpu => (row.cpu_ratio, "cpu"),
            };
            verdict(figure, bar.at_most, &format!("x {clock}"), &mut all_ok)
        });
        println!(
            "  {:<28} {:>10} {:>10} {:>7.2} {:>7.2}  {}",
            row.name,
            short(row.wall),
            short(row.cpu),
            row.wall_ratio,
            row.cpu_ratio,
            verdict.unwrap_or_default()
        );
    }
    all_ok
}

/// A figure against its bar, in words.
pub fn verdict(figure: f64, at_most: f64, unit: &str, all_ok: &mut bool) -> String {
    // Not a number is not below the bar.
    let ok = figure <= at_most;
    *all_ok &= ok;
    format!("{figure:.2} of at most {at_most:.2} {unit}: {}", if ok { "ok" } else { "OVER" })
}

/// Three significant digits or so.
pub fn short(time: Duration) -> String {
    match time.as_secs_f64() {
        small if small < 1e-6 => format!("{:.0} ns", small * 1e9),
        middle if middle < 1e-3 => format!("{:.1} us", middle * 1e6),
        large => format!("{:.2} ms", large * 1e3),
    }
}

/// The processors that this program was given. Threads inherit what their parents are pinned to, so it is kept.
static ALLOWED: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let allowed = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect()
});

/// Keeps the calling thread on one of the processors, so that client and server do not share one. Does nothing where there
/// is only one, or where the system refuses.
pub fn pin(place: usize) {
    if let (Some(cpu), true) = (ALLOWED.get(place), ALLOWED.len() > 1) {
        let mut only = CpuSet::new();
        only.set(*cpu);
        let _unpinned_is_fine_too = sched_setaffinity(None, &only);
    }
}
