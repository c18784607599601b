//! Variables and files from secrets that others delegated: what they chose neither runs nor spoils the rest.

use serde_json::json;

use crate::support::{TestEnv, Way};

/// Names that a shell or a loader obeys.
const OBEYED: [&str; 4] = ["LD_PRELOAD", "PATH", "BASH_ENV", "PROMPT_COMMAND"];

/// Mallory delegates to Bob what harms, and what does not; Bob has a secret of his own.
fn room(env: &TestEnv) -> Way<'_> {
    let mallory = env.local_as("mallory");
    let delegate = |id: &str, value: &[u8]| {
        let set = mallory.secret(["set", "--id", id, "--delegated-to", "bob"]);
        set.stdin(value).run().succeeds();
    };
    for name in OBEYED {
        delegate(name, b"touch harmed");
    }
    delegate("a;touch harmed", b"x");
    delegate("NUL", b"a\0b");
    delegate("UID", b"0");
    delegate("GOOD", b"$(touch harmed)`touch harmed`");
    delegate("OWN", b"mallory's");
    let bob = env.local_as("bob");
    bob.set("OWN", "bob's");
    bob
}

#[test]
fn export_without_ids_writes_nothing_of_owners_that_are_not_named() {
    let env = TestEnv::new();
    let bob = room(&env);
    let all = bob.secret(["export"]).run().succeeds().says_nothing();
    assert_eq!(all.out(), "OWN=\"bob's\"\n");
    let to_bob = bob.secret(["export", "--delegated-to", "bob"]).run().succeeds();
    assert_eq!(to_bob.out(), "");
    to_bob
        .says("9 secrets that others delegated to you are left out: name whose you want with --delegated-by");
    let json = bob.secret(["export", "--format", "json"]).run().succeeds().json();
    assert_eq!(json.as_array().unwrap().len(), 1);
}

#[test]
fn export_of_a_named_owner_leaves_out_what_harms_and_says_so() {
    let env = TestEnv::new();
    let bob = room(&env);
    let export = |format: &str| {
        let call = bob.secret(["export", "--delegated-by", "mallory", "--format", format]);
        call.run().succeeds()
    };
    let file = export("env");
    env.write("app.env", file.out());
    let said = file.err();
    assert!(said.starts_with("Left out: "), "{said}");
    for left_out in [
        "`BASH_ENV` (of mallory: ",
        "`LD_PRELOAD` (of mallory: ",
        "`a;touch harmed` (of mallory: ",
    ] {
        assert!(said.contains(left_out), "{said}");
    }
    assert!(
        said.contains("and 2 more") && said.contains("--env-secret NAME=ID"),
        "{said}"
    );
    let script = r#"set -a; . ./app.env; printf '%s|%s' "$OWN" "$GOOD""#;
    let bash = env
        .program("bash")
        .args(["-c", script])
        .run()
        .succeeds()
        .says_nothing();
    assert_eq!(bash.out(), "bob's|$(touch harmed)`touch harmed`");
    assert_eq!(env.files(), ["app.env"]);
    // It can be written where a shell would not obey it: a line of docker's files is a name and its value.
    let docker = export("docker");
    assert!(
        docker.out().contains("UID=0\n") && !docker.out().contains("LD_PRELOAD"),
        "{}",
        docker.out()
    );

    let all = export("json").says_nothing();
    let ids: Vec<String> = all
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 9, "{ids:?}");
    assert!(
        all.json()
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["delegated_to"] == json!(null))
    );
}

#[test]
fn an_own_secret_that_no_file_can_hold_is_an_error_as_ever() {
    let env = TestEnv::new();
    let bob = room(&env);
    bob.set("db/password", "x");
    bob.secret(["export", "--delegated-by", "mallory"])
        .run()
        .refuses(2)
        .says("these ids cannot name a variable: `db/password`");
    bob.secret(["delete", "db/password"]).run().succeeds();
    bob.set("NUL", b"a\0b");
    bob.secret(["export"]).run().refuses(1).says("`NUL`");
}

#[test]
fn export_and_run_set_no_variable_that_programs_obey_to_what_another_chose() {
    let env = TestEnv::new();
    let bob = room(&env);
    for name in OBEYED {
        let export = bob
            .secret(["export", name, "--delegated-by", "mallory"])
            .run()
            .refuses(1);
        export.says(&format!(
            "{name} is not set to the secret `{name}`, which mallory delegated"
        ));
        // However the secret is called.
        let variable = format!("{name}=GOOD");
        let flags = ["--env-secret", &variable, "--delegated-by", "mallory"];
        bob.secret(["export"]).args(flags).run().refuses(1).says(name);
        let run = bob.secret(["run"]).args(flags).args(["--", "touch", "ran"]).run();
        run.refuses(1).says("name another variable with --env-secret");
        let file = env.write("run.env", format!("{name}=secret://GOOD\n"));
        let run = bob.secret([
            "run",
            "--env-file",
            file.to_str().unwrap(),
            "--delegated-by",
            "mallory",
        ]);
        run.args(["--", "touch", "ran"]).run().refuses(1).says(name);
        // With --delegated-to it is another's as well.
        let run = bob.secret([
            "run",
            "--env-file",
            file.to_str().unwrap(),
            "--delegated-to",
            "bob",
        ]);
        run.args(["--", "touch", "ran"]).run().refuses(1).says(name);
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(env.files(), [""; 0]);
    let renamed = ["--env-secret", "HARMLESS=LD_PRELOAD", "--delegated-by", "mallory"];
    let export = bob.secret(["export"]).args(renamed).run().succeeds();
    assert_eq!(export.out(), "HARMLESS='touch harmed'\n");
    let run = bob
        .secret(["run"])
        .args(renamed)
        .args(["--", "printenv", "HARMLESS"])
        .run();
    assert_eq!(run.succeeds().out(), "touch harmed\n");

    // What is one's own is one's own choice.
    bob.set("PROMPT_COMMAND", "date");
    let own = bob
        .secret(["export", "PROMPT_COMMAND", "--delegated-by", "mallory"])
        .run()
        .succeeds();
    assert_eq!(own.out(), "PROMPT_COMMAND=date\n");
}

#[test]
fn import_takes_no_secret_of_another_for_an_own_one() {
    let env = TestEnv::new();
    let mallory = env.local_as("mallory");
    let set = [
        "set",
        "A",
        "--delegated-to",
        "bob",
        "--type",
        "git",
        "--name",
        "theirs",
    ];
    mallory.secret(set).stdin("1").run().succeeds();
    let bob = env.local_as("bob");
    let file = env.write("app.env", "A=1\n");
    for to in [&[][..], &["--delegated-to", "bob"]] {
        let dry = bob
            .secret(["import", "--dry-run"])
            .arg(&file)
            .args(to)
            .run()
            .succeeds();
        dry.says("Of 1 secret, 1 would be new in room room and 0 changed");
        bob.secret(["import"])
            .arg(&file)
            .args(to)
            .run()
            .succeeds()
            .says("1 new");
        let again = bob
            .secret(["import", "--dry-run"])
            .arg(&file)
            .args(to)
            .run()
            .succeeds();
        again.says("0 would be new in room room and 0 changed");
    }
    let list = bob.secret(["list"]).run().succeeds().json();
    let own: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row.get("owner").is_none())
        .collect();
    assert_eq!(own.len(), 2);
    assert!(
        own.iter()
            .all(|row| row["type"] == "application/octet-stream" && row["name"] == "A"),
        "{list}"
    );
}
