//! What explains the program: help with examples, manual pages, completions, progress where someone looks.

use std::process::{Command, Stdio};

use auction_server::testing::cli::Cli;
use auction_server::testing::cli::verify::verify;
use auction_server::testing::platform::progress::{Progress, Task};
use clap::{CommandFactory as _, Parser as _};

use crate::stage::Stage;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_auction-server"));
    program.stdin(Stdio::null());
    program
}

fn printed(program: &mut Command) -> String {
    let output = program.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands among the lines of an example, without what other programs do with them.
fn commands(help: &str) -> Vec<Vec<String>> {
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines.flat_map(|line| {
        // What it does stands behind it.
        let line = line.trim().split("  ").next().unwrap_or_default();
        line.split(['|', '&', '>'])
    });
    let commands = commands.filter_map(|command| {
        let at = command.find("auction-server")?;
        let words = command[at..].split_whitespace().map(str::to_owned);
        (at == 0 || command[..at].ends_with(' ')).then(|| words.collect())
    });
    commands.collect()
}

#[test]
fn every_command_shows_examples_and_they_parse() {
    fn walk(command: &clap::Command, path: &str) {
        let help = command.get_after_help().map(ToString::to_string);
        let examples = commands(&help.unwrap_or_default());
        let last = path.rsplit(' ').next().unwrap();
        assert!(
            examples
                .iter()
                .any(|words| words.iter().any(|word| word == last)),
            "{path} has no example of its own"
        );
        for example in examples {
            Cli::try_parse_from(&example).unwrap_or_else(|error| panic!("{example:?}: {error}"));
        }
        for sub in command.get_subcommands() {
            walk(sub, &format!("{path} {}", sub.get_name()));
        }
    }
    Cli::command().debug_assert();
    walk(&Cli::command(), "auction-server");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    printed(program().arg("man").arg(&pages));
    for (name, says) in [
        ("auction-server.1", "AUCTION_TLS_SELF_SIGNED"),
        ("auction-server.1", ".SH EXAMPLES\n.nf\n"),
        ("auction-server-verify.1", "decides every command again"),
        ("auction-server-user-add.1", "\\-\\-role"),
        ("auction-server-config-check.1", "Exit codes"),
    ] {
        let page = std::fs::read_to_string(pages.join(name)).unwrap();
        assert!(page.contains(says), "{says:?} is not in {name}");
    }
}

#[test]
fn bash_completes_commands_and_settings() {
    let script = printed(program().args(["completions", "bash"]));
    for (typed, expected) in [
        ("auction-server ver", "verify"),
        ("auction-server --tls-se", "--tls-self-signed"),
        ("auction-server export re", "results"),
        ("auction-server config ch", "check"),
    ] {
        let ask = format!(
            "{script}\nCOMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _auction__server auction-server \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\"\n"
        );
        let Ok(output) = Command::new("bash").args(["--norc", "-c", &ask]).output() else {
            println!("LEFT OUT: bash is not on this machine");
            return;
        };
        let (out, err) = (output.stdout, output.stderr);
        let out = String::from_utf8_lossy(&out);
        assert_eq!(
            out.trim(),
            expected,
            "{typed}: {}",
            String::from_utf8_lossy(&err)
        );
    }
}

#[test]
fn reading_tells_how_far_it_is_of_what_is_written() {
    let mut stage = Stage::on_disk();
    stage.play();
    let mut told = Vec::new();
    verify(&stage.folder(), &mut |reached| told.push(reached)).unwrap();
    let first: Progress = told[0];
    assert_eq!(first.task, Task::Reading);
    // A segment is a mebibyte of zeros, and little is written in it.
    assert!(first.of > 0 && first.of < 1 << 17, "{first:?}");
    for reached in told {
        assert!(reached.done <= reached.of, "{reached:?}");
    }
}
