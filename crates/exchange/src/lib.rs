#![doc = include_str!("../README.md")]

pub mod account;
pub mod args;
mod hints;
pub mod public;
pub mod trading;

#[cfg(test)]
mod probe;
