//! A workload: a port that takes connections.

use super::{Lab, Process, START};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::thread;

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-listener";

/// Takes connections at `address` on `node`, says so, and says nothing on them, until it is killed.
pub(crate) fn listen(lab: &Lab, node: &'static str, address: SocketAddr) -> Process {
    greet(lab, node, address, "")
}

/// The same, and says `greeting` on each.
pub(crate) fn greet(lab: &Lab, node: &'static str, address: SocketAddr, greeting: &str) -> Process {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let mut process = lab.spawn(node, &[&program, ROLE, &address.to_string(), greeting]);
    process.wait_for_line("ready", START);
    process
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let addresses: Vec<SocketAddr> = arguments.iter().map_while(|text| text.parse().ok()).collect();
    let greeting = arguments.get(addresses.len()).cloned().unwrap_or_default();
    let listener = TcpListener::bind(&addresses[..]).expect("an address of this node and a free port");
    println!("ready");
    for mut connection in listener.incoming().flatten() {
        println!("connected");
        // Whoever connected may have gone again.
        let _ = connection.write_all(greeting.as_bytes());
        thread::spawn(move || std::io::copy(&mut connection, &mut std::io::sink()));
    }
    ExitCode::SUCCESS
}
