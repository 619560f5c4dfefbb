//! Everything that goes through the public door.
