//! Faults of frames on request: lost, doubled, out of order, late.

use std::time::Duration;

/// A fault of a websocket frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameFault {
    /// The frame is not sent.
    Lose,
    /// The frame is sent twice.
    Double,
    /// The frame is sent after the next frame of its topic.
    Swap,
    /// The frame and all later frames of the same socket are sent this many milliseconds later.
    Delay(u32),
}

/// A planned fault for the next frames of a topic.
#[derive(Debug)]
pub(super) struct Trouble<Frame> {
    topic: String,
    fault: FrameFault,
    times: u32,
    /// The frame that waits for the next one, after [`FrameFault::Swap`].
    held: Option<Frame>,
}

/// What is sent in place of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<Frame> {
    Send(Frame),
    Wait(Duration),
}

/// All planned faults.
#[derive(Debug)]
pub(super) struct Troubles<Frame>(Vec<Trouble<Frame>>);

impl<Frame> Default for Troubles<Frame> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<Frame: Clone> Troubles<Frame> {
    /// Plans a fault for the next `times` frames of the topic.
    pub(super) fn add(&mut self, topic: &str, fault: FrameFault, times: u32) {
        if times > 0 {
            self.0.push(Trouble { topic: topic.to_owned(), fault, times, held: None });
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What to send for the topic's next frame.
    pub(super) fn meet(&mut self, topic: &str, frame: Frame) -> Vec<Step<Frame>> {
        let Some(place) = self.0.iter().position(|trouble| trouble.topic == topic) else {
            return vec![Step::Send(frame)];
        };
        let Some(trouble) = self.0.get_mut(place) else { return vec![Step::Send(frame)] };
        if let Some(held) = trouble.held.take() {
            if trouble.times == 0 {
                self.0.remove(place);
            }
            return vec![Step::Send(frame), Step::Send(held)];
        }
        trouble.times -= 1;
        let done = trouble.times == 0 && trouble.fault != FrameFault::Swap;
        let steps = match trouble.fault {
            FrameFault::Lose => Vec::new(),
            FrameFault::Double => vec![Step::Send(frame.clone()), Step::Send(frame)],
            FrameFault::Swap => {
                trouble.held = Some(frame);
                Vec::new()
            }
            FrameFault::Delay(ms) => {
                vec![Step::Wait(Duration::from_millis(u64::from(ms))), Step::Send(frame)]
            }
        };
        if done {
            self.0.remove(place);
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the frames 1 to 5 of a topic are sent; a wait is shown as 0.
    fn sent(fault: FrameFault, times: u32) -> Vec<u32> {
        let mut troubles = Troubles::default();
        troubles.add("order", fault, times);
        let mut sent = Vec::new();
        for frame in 1..=5 {
            assert_eq!(troubles.meet("trade", frame), [Step::Send(frame)], "another topic");
            sent.extend(troubles.meet("order", frame).into_iter().map(|step| match step {
                Step::Send(frame) => frame,
                Step::Wait(_) => 0,
            }));
        }
        assert!(troubles.0.is_empty());
        sent
    }

    #[test]
    fn each_fault_meets_as_many_frames_as_it_was_planned_for() {
        assert_eq!(sent(FrameFault::Lose, 2), [3, 4, 5]);
        assert_eq!(sent(FrameFault::Double, 1), [1, 1, 2, 3, 4, 5]);
        assert_eq!(sent(FrameFault::Swap, 2), [2, 1, 4, 3, 5]);
        assert_eq!(sent(FrameFault::Delay(9), 1), [0, 1, 2, 3, 4, 5]);
    }
}
