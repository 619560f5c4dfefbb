//! Finds out what the compiler can do beyond the oldest one that we support.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(file_lock)");
    // `File::try_lock` is stable since Rust 1.89.
    if minor().is_some_and(|minor| minor >= 89) {
        println!("cargo::rustc-cfg=file_lock");
    }
}

/// The second number of the compiler's version; `None` if it cannot be found out.
fn minor() -> Option<u32> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc 1.")?.split('.').next()?.parse().ok()
}
