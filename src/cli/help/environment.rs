//! `meshagent help environment`

use std::collections::BTreeSet;
use std::fmt::Write;

/// Variables that belong together: a heading, then what each is called and what it does.
type Group = (&'static str, &'static [(&'static str, &'static str)]);

/// Every variable that a command looks at.
const GROUPS: &[Group] = &[
    (
        "Where and who",
        &[
            ("MESHAGENT_ROOM", "the room (--room)"),
            ("MESHAGENT_API_URL", "address of the server (--api-url)"),
            (
                "MESHAGENT_ROOM_URL",
                "address of the room server, if it is another",
            ),
            ("MESHAGENT_PROJECT_ID", "the project (--project-id)"),
            (
                "MESHAGENT_API_KEY",
                "an API key: may be anybody in every room of its project",
            ),
            (
                "MESHAGENT_SERVER_OWNER",
                "the owner of the room server at MESHAGENT_API_URL: the API key signs for it and is not sent",
            ),
            (
                "MESHAGENT_TOKEN",
                "the participant token of MESHAGENT_ROOM, or an access token for the API",
            ),
            (
                "MESHAGENT_DELEGATED_BY",
                "whose secrets are read after your own, with commas between the names (--delegated-by)",
            ),
            (
                "MESHAGENT_ALLOW_INSECURE",
                "switch: allow addresses without TLS on other machines",
            ),
        ],
    ),
    (
        "Signing in, of auth login",
        &[
            (
                "MESHAGENT_OAUTH_CLIENT_ID",
                "another client at the API's provider than the usual one",
            ),
            (
                "MESHAGENT_OAUTH_CLIENT_SECRET",
                "that client's secret, if it has one",
            ),
            (
                "MESHAGENT_OAUTH_SCOPES",
                "what to ask for, with spaces between the scopes",
            ),
            (
                "BROWSER",
                "commands that open an address, with : between them; %s is the address",
            ),
            (
                "SSH_CONNECTION, SSH_TTY",
                "no browser is opened over ssh, unless BROWSER is set",
            ),
            ("DISPLAY, WAYLAND_DISPLAY", "nor on Linux without a display"),
        ],
    ),
    (
        "Local mode",
        &[
            (
                "MESHAGENT_LOCAL",
                "switch: use the room on this machine (--local)",
            ),
            ("MESHAGENT_DATA_DIR", "the data directory"),
            (
                "MESHAGENT_LISTEN",
                "where room serve listens, with commas between the addresses (--listen)",
            ),
            (
                "XDG_DATA_HOME",
                "where the data directory is, if that is not given",
            ),
            ("USER, LOGNAME, USERNAME", "your name"),
        ],
    ),
    (
        "The store's key",
        &[
            ("MESHAGENT_KEY_FILE", "file with the key (--key-file)"),
            (
                "MESHAGENT_KEY_COMMAND",
                "program that prints the key (--key-command)",
            ),
            (
                "CREDENTIALS_DIRECTORY",
                "systemd's credentials; the key is meshagent.key",
            ),
            (
                "MESHAGENT_KEY_PASSPHRASE_FILE",
                "file with a passphrase (--key-passphrase-file)",
            ),
            ("MESHAGENT_KEY", "the key itself; your other programs can read it"),
        ],
    ),
    (
        "Log, of room serve",
        &[("MESHAGENT_LOG_FORMAT", "text or json (--log-format)")],
    ),
    (
        "OAuth, of room serve and in local mode",
        &[
            (
                "MESHAGENT_ALLOW_INSECURE_TOKEN_ENDPOINT",
                "switch: call token endpoints on this machine, by plain http too",
            ),
            (
                "MESHAGENT_ALLOW_PRIVATE_TOKEN_ENDPOINT",
                "switch: call token endpoints on this machine and private networks",
            ),
        ],
    ),
    (
        "The network",
        &[
            (
                "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
                "proxies (http, https, socks5, socks5h), also in lower case; servers on this machine are reached without",
            ),
            (
                "NO_PROXY",
                "names, addresses and networks that are reached without a proxy",
            ),
            (
                "SSL_CERT_FILE, SSL_CERT_DIR",
                "root certificates, instead of the system's",
            ),
        ],
    ),
    (
        "Output",
        &[
            ("NO_COLOR", "no colour, if it is set and not empty"),
            ("CLICOLOR_FORCE", "colour without a terminal, unless it is 0"),
            ("TERM", "no colour and no moving lines, if it is dumb"),
        ],
    ),
    ("Files", &[("HOME", "where ~/.meshagent/settings.json is")]),
];

/// The names of all variables.
pub(super) fn names() -> BTreeSet<&'static str> {
    let variables = GROUPS.iter().flat_map(|(_, variables)| *variables);
    variables.flat_map(|(names, _)| names.split(", ")).collect()
}

/// The variables, one paragraph a group.
pub(super) fn text() -> String {
    let mut text = String::from(
        "Environment variables

What is given more than once is taken from the first of: flag, environment,
~/.meshagent/settings.json, default. A variable that is empty counts as unset.
A switch is on with 1 or true, and off with 0 or false.
",
    );
    for (heading, variables) in GROUPS {
        // Writing to a string does not fail.
        let _ = write!(text, "\n{heading}:\n");
        for (name, what) in *variables {
            let _ = writeln!(text, "  {name}\n      {what}");
        }
    }
    text
}
