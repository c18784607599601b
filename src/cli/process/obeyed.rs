//! Variables that programs obey: their value decides which code runs, and how. They are never set from a secret of
//! another owner (security, "What others delegate").

/// The names, in upper case, and what a variable of that name does. A `*` at the end stands for any end.
const OBEYED: &[(&str, &str)] = &[
    // Shells and loaders.
    ("PATH", "it says where programs are looked for"),
    ("PATHEXT", "it says which files are programs"),
    ("COMSPEC", "it names the shell that programs start"),
    ("SHELL", "it names the shell that programs start"),
    ("LD_*", "the loader loads libraries that it names"),
    ("DYLD_*", "the loader loads libraries that it names"),
    ("LIBPATH", "the loader loads libraries from it"),
    ("SHLIB_PATH", "the loader loads libraries from it"),
    ("GLIBC_TUNABLES", "it changes how the C library works"),
    ("GCONV_PATH", "the C library loads modules from it"),
    ("LOCPATH", "the C library loads files from it"),
    ("BASH_*", "bash runs what it names, or takes functions from it"),
    ("BASHOPTS", "it sets options of bash"),
    ("SHELLOPTS", "it sets options of the shell"),
    ("ENV", "sh runs the file that it names"),
    ("ZDOTDIR", "zsh runs files there"),
    ("MODULE_PATH", "zsh loads modules from there"),
    ("FPATH", "the shell takes functions from there"),
    ("CDPATH", "it changes where `cd` goes"),
    ("IFS", "it changes how the shell splits words"),
    ("PROMPT_COMMAND", "bash runs it"),
    ("PROMPT", "the shell expands it"),
    ("RPROMPT", "the shell expands it"),
    ("PS0", "the shell expands it"),
    ("PS1", "the shell expands it"),
    ("PS2", "the shell expands it"),
    ("PS3", "the shell expands it"),
    ("PS4", "the shell expands it"),
    ("HOME", "programs read their configuration there"),
    ("XDG_*", "programs read their configuration there"),
    ("APPDATA", "programs read their configuration there"),
    ("TMPDIR", "programs trust what they write there"),
    ("TERMCAP", "programs obey what it says of the terminal"),
    ("TERMINFO*", "programs read files there"),
    ("INPUTRC", "shells take key bindings from it"),
    ("HOSTALIASES", "it changes which machine a name means"),
    // Programs that other programs start.
    ("EDITOR", "programs run it"),
    ("VISUAL", "programs run it"),
    ("PAGER", "programs run it"),
    ("MANPAGER", "man runs it"),
    ("BROWSER", "programs run it"),
    ("LESS", "it sets options of less"),
    ("LESSOPEN", "less runs it"),
    ("LESSCLOSE", "less runs it"),
    ("SSH_ASKPASS", "ssh runs it"),
    ("SSH_AUTH_SOCK", "ssh signs with the keys behind it"),
    ("SUDO_ASKPASS", "sudo runs it"),
    (
        "GIT_*",
        "git runs commands from it, or takes configuration from it",
    ),
    ("RSYNC_RSH", "rsync runs it"),
    ("TAR_OPTIONS", "it sets options of tar"),
    ("MAKEFLAGS", "make runs what it defines"),
    ("GNUMAKEFLAGS", "make runs what it defines"),
    // Languages.
    ("PYTHON*", "python loads code that it names"),
    ("NODE_OPTIONS", "node loads code that it names"),
    ("NODE_PATH", "node loads code from there"),
    ("NPM_CONFIG_*", "npm takes configuration from it"),
    ("PERL*", "perl loads code that it names"),
    ("RUBYOPT", "ruby loads code that it names"),
    ("RUBYLIB", "ruby loads code from there"),
    ("RUBYPATH", "ruby loads code from there"),
    ("RUBYSHELL", "ruby runs it"),
    ("GEM_HOME", "ruby loads code from there"),
    ("GEM_PATH", "ruby loads code from there"),
    ("BUNDLE_*", "bundler takes configuration from it"),
    ("JAVA_TOOL_OPTIONS", "java loads code that it names"),
    ("_JAVA_OPTIONS", "java loads code that it names"),
    ("JDK_JAVA_OPTIONS", "java loads code that it names"),
    ("CLASSPATH", "java loads code from there"),
    ("MAVEN_OPTS", "maven loads code that it names"),
    ("GRADLE_OPTS", "gradle loads code that it names"),
    ("PHPRC", "php takes configuration from it"),
    ("PHP_INI_SCAN_DIR", "php takes configuration from it"),
    ("LUA_*", "lua runs it, or loads code from there"),
    ("R_PROFILE*", "R runs the file that it names"),
    ("R_ENVIRON*", "R takes variables from it"),
    ("DOTNET_STARTUP_HOOKS", ".NET loads code that it names"),
    ("CORECLR_*", ".NET loads code that it names"),
    ("RUSTC*", "cargo runs it"),
    ("RUSTFLAGS", "it sets options of the compiler"),
    ("GOFLAGS", "it sets options of go"),
    // Trust.
    ("OPENSSL_*", "OpenSSL loads code and configuration that it names"),
    ("SSL_CERT_*", "it says which servers are trusted"),
    ("CURL_CA_BUNDLE", "it says which servers are trusted"),
    ("REQUESTS_CA_BUNDLE", "it says which servers are trusted"),
    ("NODE_EXTRA_CA_CERTS", "it says which servers are trusted"),
    (
        "NODE_TLS_REJECT_UNAUTHORIZED",
        "it says which servers are trusted",
    ),
    ("HTTP_PROXY", "it says through whom connections go"),
    ("HTTPS_PROXY", "it says through whom connections go"),
    ("ALL_PROXY", "it says through whom connections go"),
    ("NO_PROXY", "it says through whom connections go"),
    ("SSLKEYLOGFILE", "programs write the keys of connections there"),
    ("MESHAGENT_*", "this program takes settings from it"),
];

/// What programs do with a variable of this name, if they obey it. Upper and lower case are the same: to Windows they
/// are, and zsh has `path` for `PATH`.
pub(in crate::cli) fn obeyed(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    OBEYED
        .iter()
        .find_map(|(pattern, effect)| matches(pattern).then_some(*effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loaders_and_shells_obey() {
        for name in [
            "PATH",
            "path",
            "Path",
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "BASH_ENV",
            "ENV",
            "PROMPT_COMMAND",
            "PS4",
            "IFS",
            "SHELLOPTS",
            "GIT_SSH_COMMAND",
            "PYTHONSTARTUP",
            "NODE_OPTIONS",
            "PERL5OPT",
            "RUBYOPT",
            "MESHAGENT_API_URL",
            "BASH_FUNC_x%%",
            "https_proxy",
        ] {
            assert!(obeyed(name).is_some(), "{name}");
        }
        for name in [
            "PGPASSWORD",
            "PATHS",
            "MY_PATH",
            "DATABASE_URL",
            "API_KEY",
            "ENVIRONMENT",
            "PSK",
            "NODE_AUTH_TOKEN",
            "CARGO_REGISTRY_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "GEM_HOST_API_KEY",
            "RUBYGEMS_API_KEY",
            "SSH_PRIVATE_KEY",
        ] {
            assert_eq!(obeyed(name), None, "{name}");
        }
    }

    #[test]
    fn the_table_is_in_upper_case() {
        for (name, effect) in OBEYED {
            assert_eq!(name.to_ascii_uppercase(), *name);
            assert!(!effect.is_empty());
        }
    }
}
