//! The flag of `room serve` for the form of its log.

use clap::{Args, ValueEnum as _};

use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::log::LogFormat;
use crate::settings::Environment;

/// The variable that says it where the flag does not.
const VARIABLE: &str = "MESHAGENT_LOG_FORMAT";

/// The form of a server's log.
#[derive(Debug, Args)]
pub(in crate::cli) struct LogArgs {
    /// Form of the log on stderr: text, or one JSON object a line [env: MESHAGENT_LOG_FORMAT] [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    log_format: Option<LogFormat>,
}

impl LogArgs {
    /// The format that the flag names, else the variable.
    pub(in crate::cli) fn format(&self, environment: &Environment) -> anyhow::Result<LogFormat> {
        if let Some(format) = self.log_format {
            return Ok(format);
        }
        let Some(name) = environment.text(VARIABLE)? else {
            return Ok(LogFormat::Text);
        };
        let unknown = |_| CommandError::new(Kind::Usage, format!("{VARIABLE} is neither `text` nor `json`"));
        Ok(LogFormat::from_str(name, false).map_err(unknown)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_variable() {
        let format = |flag, variable| {
            let args = LogArgs { log_format: flag };
            let environment = Environment::from_pairs([(VARIABLE, variable)]);
            args.format(&environment).ok()
        };
        assert_eq!(format(None, ""), Some(LogFormat::Text));
        assert_eq!(format(None, "json"), Some(LogFormat::Json));
        assert_eq!(format(Some(LogFormat::Text), "json"), Some(LogFormat::Text));
        assert_eq!(format(None, "xml"), None);
    }
}
