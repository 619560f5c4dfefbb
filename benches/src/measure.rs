//! Measures candidates in rounds. In each round the candidates run one after the other.
//!
//! The speed of a machine changes during a measurement, but within one round it is about the same for all candidates. So
//! each round gives a ratio to the base of the same round, and the result is the median of these ratios.

use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A candidate: a name, and a function that does the work this many times.
pub struct Candidate<'a> {
    pub name: &'static str,
    pub run: Box<dyn FnMut(u32) + 'a>,
}

/// A candidate whose work needs a preparation that is not measured.
pub struct Prepared<'a> {
    pub name: &'static str,
    pub prepare: Box<dyn FnMut() + 'a>,
    pub run: Box<dyn FnMut(u32) + 'a>,
}

impl<'a> From<Candidate<'a>> for Prepared<'a> {
    fn from(Candidate { name, run }: Candidate<'a>) -> Self {
        Self { name, prepare: Box::new(|| ()), run }
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: u32,
    /// The number of calls of one candidate in one round.
    pub calls: u32,
}

/// The clock that a bar uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Elapsed time.
    Wall,
    /// The CPU time of the measuring thread, or of all threads: see [`compare_all_threads`]. Servers run elsewhere and do not
    /// count.
    Cpu,
}

/// The highest allowed cost of a candidate.
pub struct Bar {
    pub candidate: &'static str,
    pub clock: Clock,
    /// In multiples of the base, which is the first candidate.
    pub at_most: f64,
}

impl Bar {
    /// A bar for elapsed time.
    pub fn wall(candidate: &'static str, at_most: f64) -> Self {
        Self { candidate, clock: Clock::Wall, at_most }
    }
}

/// The result of one candidate.
pub struct Measured {
    pub name: &'static str,
    /// Medians, for one call.
    pub wall: Duration,
    pub cpu: Duration,
    /// Medians of the rounds' ratios to the base.
    pub wall_ratio: f64,
    pub cpu_ratio: f64,
}

/// Runs the candidates; the first one is the base. Only the measuring thread's CPU time counts.
pub fn compare<'a>(
    plan: Plan,
    candidates: impl IntoIterator<Item = impl Into<Prepared<'a>>>,
) -> Vec<Measured> {
    compare_by(ClockId::ThreadCPUTime, plan, candidates)
}

/// The same with the CPU time of all threads of this program, for work that uses several.
pub fn compare_all_threads<'a>(
    plan: Plan,
    candidates: impl IntoIterator<Item = impl Into<Prepared<'a>>>,
) -> Vec<Measured> {
    compare_by(ClockId::ProcessCPUTime, plan, candidates)
}

fn compare_by<'a>(
    cpu: ClockId,
    plan: Plan,
    candidates: impl IntoIterator<Item = impl Into<Prepared<'a>>>,
) -> Vec<Measured> {
    let mut candidates: Vec<Prepared<'_>> = candidates.into_iter().map(Into::into).collect();
    for candidate in &mut candidates {
        // Warm up: connections, caches, branch predictors.
        (candidate.prepare)();
        (candidate.run)(plan.calls);
    }
    let count = candidates.len();
    let mut rounds: Vec<Turns> = Vec::new();
    for round in 0..plan.rounds as usize {
        let mut turns = vec![(0.0, 0.0); count];
        for turn in 0..count {
            // Each round begins with another candidate, so that none always runs first.
            let index = (round + turn) % count;
            let candidate = &mut candidates[index];
            (candidate.prepare)();
            turns[index] = time(cpu, || (candidate.run)(plan.calls));
        }
        rounds.push(turns);
    }
    let each_call = |seconds: f64| Duration::from_secs_f64(seconds / f64::from(plan.calls));
    let measured = |(index, candidate): (usize, &Prepared<'_>)| Measured {
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

/// Elapsed seconds, and seconds of CPU time.
fn time(clock: ClockId, work: impl FnOnce()) -> (f64, f64) {
    let (wall, cpu) = (Instant::now(), cpu_time(clock));
    work();
    let cpu = cpu_time(clock) - cpu;
    (wall.elapsed().as_secs_f64(), cpu.as_secs_f64())
}

fn cpu_time(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The median.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}

/// Prints a comparison; false if a result is above its bar.
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

/// Compares a result with its bar, in words.
pub fn verdict(figure: f64, at_most: f64, unit: &str, all_ok: &mut bool) -> String {
    // NaN must fail, so the comparison is not written as `figure > at_most`.
    let ok = figure <= at_most;
    *all_ok &= ok;
    format!("{figure:.2} of at most {at_most:.2} {unit}: {}", if ok { "ok" } else { "OVER" })
}

/// A time with about three significant digits.
pub fn short(time: Duration) -> String {
    match time.as_secs_f64() {
        small if small < 1e-6 => format!("{:.0} ns", small * 1e9),
        middle if middle < 1e-3 => format!("{:.1} us", middle * 1e6),
        large => format!("{:.2} ms", large * 1e3),
    }
}

/// The processors that this program may use. Stored at the start, because threads inherit the pinning of their parent.
static ALLOWED: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let allowed = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect()
});

/// Pins the calling thread to one processor, so that client and server do not share one. Does nothing if there is only one
/// processor, or if the system refuses.
pub fn pin(place: usize) {
    if let (Some(cpu), true) = (ALLOWED.get(place), ALLOWED.len() > 1) {
        let mut only = CpuSet::new();
        only.set(*cpu);
        let _unpinned_is_fine_too = sched_setaffinity(None, &only);
    }
}
