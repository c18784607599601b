//! Rules: where values come from, and what is wrong with a rule.

use super::{URL, ada, request};
use crate::support::{Provider, TestEnv, TestServer};

#[test]
fn values_come_from_where_a_rule_says() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = super::as_ada(&server);
    way.set("mine", "stored");
    env.write("value", "from a file\n");
    env.write(
        "rules.toml",
        r#"
        [[rule]]
        url = "file"
        give = "value"
        [[rule]]
        url = "stripped*"
        give = "file:value"
        strip_newline = true
        [[rule]]
        url = "id"
        give = "id:mine"
        [[rule]]
        url = "env"
        give = "env:VALUE"
        [[rule]]
        url = "command"
        command = ["printf", "%s-%s", "a b", "$HOME"]
        [[rule]]
        url = "gone"
        give = "id:gone"
        [[rule]]
        url = "late"
        command = ["sleep", "600"]
        timeout = "1s"
        "#,
    );
    let mut provider = Provider::run(
        way.secret(["provide", "--rules", "rules.toml"])
            .env("VALUE", "of the environment"),
    );
    for (url, expected) in [
        ("file", "from a file\n"),
        ("stripped", "from a file"),
        ("id", "stored"),
        ("env", "of the environment"),
        ("command", "a b-$HOME"),
    ] {
        let ran = request(&server, &["--url", url]).run().succeeds();
        assert_eq!(ran.out(), expected, "{url}");
    }
    // A file is read anew, and a source that fails says nothing to the other side.
    std::fs::remove_file(env.file("value")).unwrap();
    for url in ["gone", "late", "stripped-2"] {
        let ran = request(&server, &["--url", url, "--quiet"]).run().fails(5);
        ran.says("could not get the value");
    }
    let said = provider.answers(8);
    provider.stop();
    for line in [
        "bob asked for gone (type application/octet-stream): rejected, by rule 6: you have no secret `gone`.",
        "bob asked for late (type application/octet-stream): rejected, by rule 7: sleep was killed after 1 s.",
    ] {
        assert!(said.iter().any(|found| found == line), "{line} {said:?}");
    }
}

#[test]
fn a_delegate_is_given_nothing_that_no_rule_allows_it() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "x");
    let provider = ada(&server, &["--secret", &format!("{URL}=value")]);
    request(&server, &["--url", URL, "--delegate-to", "eve", "--quiet"])
        .run()
        .refuses(5);
    request(&server, &["--url", URL, "--delegate-to", "bob"])
        .run()
        .succeeds();
    provider.stop();
}

/// The host that a client would call is not one of the rule's.
#[test]
fn a_rule_for_a_host_gives_nothing_to_urls_of_another_host() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "canary-value");
    env.write(
        "rules.toml",
        "[[rule]]\nurl = \"https://*.example/**\"\ngive = \"file:value\"\n",
    );
    let provider = super::as_ada(&server).secret(["provide", "--rules", "rules.toml"]);
    let provider = Provider::run(provider);
    for url in [
        "https://evil.test?.example/x",
        "https://evil.test#.example/x",
        "https://evil.test\\.example/x",
        "https://u:p@evil.test/.example/x",
        "https://u:p@a.example/x",
        "https://a.example@evil.test/x",
        "https://evil.test/.example/x",
        "https://a.example:8443/x",
        "https:evil.test/.example/x",
        "https://a.example/x/..%2fy",
    ] {
        let ran = request(&server, &["--url", url, "--quiet"]).run().refuses(5);
        assert!(ran.out().is_empty(), "{url}");
    }
    for url in ["https://a.example/x?y", "HTTPS://A.B.Example:443"] {
        let ran = request(&server, &["--url", url]).run().succeeds();
        assert_eq!(ran.out(), "canary-value", "{url}");
    }
    provider.stop();
}

#[test]
fn a_mistake_is_told_before_anybody_is_answered() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let provide = |arguments: &[&str]| super::as_ada(&server).secret(["provide"]).args(arguments).run();
    env.write("rules.toml", "[[rule]]\nurl = \"u\"\ngive = \"env:GONE\"\n");
    provide(&["--rules", "rules.toml"])
        .refuses(2)
        .says("rules.toml, line 3, column 8: the variable after `env:` is not set");
    env.write(
        "rules.toml",
        "[[rule]]\nurl = \"https://*bank.example/**\"\ngive = \"env:HOME\"\n",
    );
    provide(&["--rules", "rules.toml"])
        .refuses(2)
        .says("rules.toml, line 2, column 7: `*bank` would match")
        .says("write `*.` before the name");
    env.write("rules.toml", "[[rule]\n");
    provide(&["--rules", "rules.toml"])
        .refuses(2)
        .says("rules.toml, line 1, column");
    env.write("rules.toml", b"\xff");
    provide(&["--rules", "rules.toml"])
        .refuses(2)
        .says("rules.toml cannot be read");
    // A file that is not there is no wrong usage, as everywhere.
    provide(&["--secret", "u=file:gone"])
        .refuses(1)
        .says("cannot be read");
    provide(&["--rules", "gone.toml"])
        .refuses(1)
        .says("gone.toml cannot be read");
    for wrong in ["u", "=value"] {
        provide(&["--secret", wrong]).ends_with(2).says("URL=SOURCE");
    }
    // What stands there by mistake may be the value itself.
    let ran = provide(&["--secret", "https://db.example=hunter2"]).refuses(1);
    assert!(
        ran.err().contains("https://db.example") && !ran.err().contains("hunter2"),
        "{}",
        ran.err()
    );
}
