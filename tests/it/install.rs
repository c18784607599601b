//! The files in `docs/install`: what they start exists, and the programs that read them accept them.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{TestEnv, TestServer, request};

/// Most that `systemd-analyze security` may show for the unit, in tenths.
const MAX_EXPOSURE: &str = "20";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/install")
        .join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// Checks that the command line, without the program, has flags that exist.
fn parses(env: &TestEnv, arguments: &[impl AsRef<str>]) {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    env.call(&arguments).arg("--help").run().succeeds();
}

/// Runs a check by a program that may not be on this machine; then nothing is checked.
fn accepts(command: &mut Command) {
    match command.output() {
        Ok(output) => {
            let told = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
    }
}

#[test]
fn the_systemd_unit_starts_a_command_that_exists_and_is_sound() {
    let env = TestEnv::new();
    let unit = read("meshagent.service");
    let starts = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/meshagent "));
    let starts: Vec<_> = starts.collect();
    assert_eq!(starts.len(), 1);
    parses(&env, &shlex::split(starts[0]).unwrap());
    // As it is where the program is installed.
    let installed = unit.replace("/usr/bin/meshagent", env!("CARGO_BIN_EXE_meshagent"));
    let installed = env.write("meshagent.service", installed);
    let analyze = || Command::new("systemd-analyze");
    accepts(analyze().args(["verify", "--man=no"]).arg(&installed));
    let threshold = format!("--threshold={MAX_EXPOSURE}");
    accepts(
        analyze()
            .args(["security", "--offline=true", &threshold])
            .arg(&installed),
    );
}

/// The arguments of an instruction in its JSON form.
fn instruction(containerfile: &str, name: &str) -> Vec<String> {
    let mut lines = containerfile.lines();
    let line = lines.find(|line| line.starts_with(name)).unwrap();
    serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap()
}

#[test]
fn the_container_starts_and_checks_with_commands_that_exist() {
    let env = TestEnv::new();
    let file = read("Containerfile");
    assert_eq!(instruction(&file, "ENTRYPOINT"), ["/meshagent"]);
    parses(&env, &instruction(&file, "CMD"));
    let check = instruction(&file, "HEALTHCHECK");
    assert_eq!(check[0], "/meshagent");
    parses(&env, &check[1..]);
}

/// What follows `start` in the lines that begin with it.
fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(start)).collect()
}

#[test]
fn the_kubernetes_manifests_start_one_server_that_answers_their_probes() {
    let env = TestEnv::new();
    let name = "kubernetes/meshagent.yaml";
    let text = read(name);
    assert_eq!(after(&text, "replicas: "), ["1"]);
    let (_, arguments) = text.split_once(" args:\n").unwrap();
    let (arguments, _) = arguments.split_once(" env:\n").unwrap();
    parses(&env, &after(arguments, "- "));
    // The key is where the manifest mounts it, and readable by its group as there.
    let key = env.write("meshagent.key", "ab".repeat(32));
    assert!(text.contains("/run/secrets/meshagent/meshagent.key"));
    fs::set_permissions(&key, Permissions::from_mode(0o440)).unwrap();
    assert_eq!(after(&text, "value: ").last(), Some(&"/run/secrets/meshagent"));
    let credentials = [("CREDENTIALS_DIRECTORY", key.parent().unwrap().to_str().unwrap())];
    let server = TestServer::start_with_variables(&env, &[], &credentials);
    assert!(!env.data_dir().join("store.key").exists());
    let probes = after(&text, "path: ");
    assert_eq!(probes, ["/healthz", "/healthz", "/readyz"]);
    for path in probes {
        assert_eq!(request(server.address(), "GET", path, &[]).status, 200, "{path}");
    }
    server.stop();
    accepts(
        Command::new("kubernetes-validate")
            .arg("--strict")
            .arg(path(name)),
    );
}

/// The words in `text` that look like this program's metrics.
fn metrics(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("meshagent_"))
        .collect()
}

#[test]
fn alerts_and_the_server_page_name_metrics_that_exist() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--metrics", "127.0.0.1:0"]);
    let log = server.log();
    let (_, address) = log.split_once("serving metrics url=http://").unwrap();
    let address = address.split_once("/metrics").unwrap().0;
    let scraped = request(address, "GET", "/metrics", &[]).body;
    let there = metrics(&scraped);
    let page = fs::read_to_string(path("../server.md")).unwrap();
    // A histogram is named without the endings of its series.
    let described: BTreeSet<_> = metrics(&page)
        .into_iter()
        .filter(|name| !there.contains(format!("{name}_bucket").as_str()))
        .collect();
    for names in [metrics(&read("prometheus-alerts.yaml")), described] {
        assert!(names.len() > 5);
        let unknown: Vec<_> = names.difference(&there).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    server.stop();
    accepts(
        Command::new("promtool")
            .args(["check", "rules"])
            .arg(path("prometheus-alerts.yaml")),
    );
}
