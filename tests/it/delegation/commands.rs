//! Commands that read what others delegated: the user names the owners, and nobody else's secret is read.

use crate::support::{Call, Ran, TestEnv, Way};

/// Delegates a secret to Bob.
fn delegate(env: &TestEnv, owner: &str, id: &str, value: &str) {
    let set = env
        .local_as(owner)
        .secret(["set", "--id", id, "--delegated-to", "bob"]);
    set.stdin(value).run().succeeds();
}

fn get(way: &Way<'_>, id: &str, flags: &[&str]) -> Ran {
    way.secret(["get", id]).args(flags).run()
}

#[test]
fn get_reads_own_secrets_and_then_those_of_the_owners_that_are_named() {
    let env = TestEnv::new();
    let bob = env.local_as("bob");
    delegate(&env, "mallory", "shared", "mallory's");
    // It is there, and it is not read in the place of an own secret.
    get(&bob, "shared", &[])
        .refuses(3)
        .says("mallory delegated `shared` to you: add --delegated-by mallory");
    get(&bob, "shared", &["--delegated-by", "alice"])
        .refuses(3)
        .says("of yours, or that `alice` delegated to you");
    delegate(&env, "alice", "shared", "alice's");
    let owners = get(&bob, "shared", &[]).refuses(3);
    owners.says("alice, mallory delegated `shared` to you: name whose you want with --delegated-by");
    get(&bob, "shared", &["--delegated-to", "bob"])
        .refuses(1)
        .says("(alice, mallory)")
        .says("--delegated-by");

    let both = [
        "--delegated-by",
        "carol",
        "--delegated-by",
        "alice",
        "--delegated-by",
        "mallory",
    ];
    assert_eq!(get(&bob, "shared", &both).succeeds().out(), "alice's");
    let of_mallory = get(&bob, "shared", &["--delegated-by", "mallory"]).succeeds();
    assert_eq!(of_mallory.out(), "mallory's");
    let from_variable = |value: &str| bob.secret(["get", "shared"]).env("MESHAGENT_DELEGATED_BY", value);
    assert_eq!(from_variable("carol,alice").run().succeeds().out(), "alice's");
    // A flag goes before the variable.
    let flag = from_variable("alice").args(["--delegated-by", "mallory"]).run();
    assert_eq!(flag.succeeds().out(), "mallory's");
    from_variable("").run().refuses(3);
    from_variable("alice,a\u{1b}b")
        .run()
        .refuses(2)
        .says("MESHAGENT_DELEGATED_BY");

    bob.set("shared", "bob's");
    assert_eq!(get(&bob, "shared", &both).succeeds().out(), "bob's");
    assert_eq!(from_variable("alice").run().succeeds().out(), "bob's");
}

#[test]
fn exists_and_inject_and_run_read_from_the_owners_that_are_named() {
    let env = TestEnv::new();
    let bob = env.local_as("bob");
    delegate(&env, "alice", "a", "alice's");
    delegate(&env, "mallory", "a", "mallory's");
    bob.set("own", "bob's");
    let by_alice = ["--delegated-by", "alice"];
    for (flags, there) in [
        (&[][..], "false\n"),
        (&by_alice, "true\n"),
        (&["--delegated-by", "carol"], "false\n"),
    ] {
        let exists = bob.secret(["exists", "a"]).args(flags).run();
        assert_eq!(exists.succeeds().out(), there);
    }
    let text = r#"{{ secret "own" }} and {{ secret "a" }}"#;
    let inject = |call: Call| call.stdin(text).run();
    let filled = inject(bob.secret(["inject"]).args(by_alice)).succeeds();
    assert_eq!(filled.out(), "bob's and alice's");
    inject(bob.secret(["inject"]))
        .refuses(3)
        .says("alice, mallory delegated `a` to you");

    let variables = ["run", "--env-secret", "OWN=own", "--env-secret", "A=a"];
    let script = ["--", "sh", "-c", r#"printf '%s %s' "$OWN" "$A""#];
    let run = bob.secret(variables).args(by_alice).args(script).run();
    assert_eq!(run.succeeds().out(), "bob's alice's");
    let run = bob.secret(variables).args(script).run();
    assert_eq!(run.refuses(3).out(), "");
}

#[test]
fn a_list_says_whose_each_secret_is_and_when_it_was_set() {
    let env = TestEnv::new();
    let bob = env.local_as("bob");
    delegate(&env, "alice", "a", "x");
    bob.set("own", "x");
    let table = bob.secret(["list", "--output", "table"]).run().succeeds();
    let lines: Vec<Vec<&str>> = table
        .out()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["ID", "TYPE", "FROM", "UPDATED"]);
    assert_eq!(lines[1][2], "alice");
    assert_eq!(lines[2].len(), 3, "an own secret is from nobody else: {lines:?}");
    let json = bob.secret(["list"]).run().succeeds().json();
    assert_eq!((&json[0]["owner"], json[1].get("owner")), (&"alice".into(), None));
}

#[test]
fn owners_with_hostile_names_are_shown_as_what_they_are() {
    let env = TestEnv::new();
    let bob = env.local_as("bob");
    // An identity may hold what a shell obeys, and a comma.
    for owner in ["$(touch x)", "a,b", "alice'; touch x #", "\u{430}lice"] {
        let id = format!("of {owner}");
        delegate(&env, owner, &id, owner);
        let read = get(&bob, &id, &["--delegated-by", owner]).succeeds();
        assert_eq!(read.out(), owner);
        let refused = get(&bob, &id, &[]).refuses(3);
        let said = refused.err();
        let (_, word) = said.trim_end().rsplit_once("--delegated-by ").unwrap();
        // The word of the advice is one word for a shell, and runs nothing.
        let shell = env
            .program("sh")
            .args(["-c", &format!("printf %s {word}")])
            .run()
            .succeeds();
        let shown = if owner.is_ascii() { owner } else { "\\u{430}lice" };
        assert_eq!(shell.out(), shown);
        assert_eq!(env.files(), [""; 0]);
    }
    let table = bob.secret(["list", "--output", "table"]).run().succeeds();
    assert!(table.out().contains("\\u{430}lice"), "{}", table.out());
    let refused = get(&bob, "x", &["--delegated-by", "a\u{1b}[2J"]).ends_with(2);
    assert!(!refused.err().contains('\u{1b}'), "{}", refused.err());
}
