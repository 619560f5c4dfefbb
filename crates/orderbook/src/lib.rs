#![doc = include_str!("../README.md")]

mod book;
mod budget;
mod decode;
mod error;
mod figures;
mod frame;
mod repair;
mod scale;
mod scan;
mod side;
mod store;
mod sync;
mod terms;
mod view;

pub use book::{Applied, Book, SNAPSHOT_DEPTH};
pub use budget::RepairBudget;
pub use error::{ForeignFrame, LostSync, NotLive, Unreadable};
pub use figures::{FigureError, Sweep};
pub use repair::Repair;
pub use terms::{Best, BookSide, KnownDepth, State};
pub use view::Levels;
