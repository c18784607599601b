//! `client.env`.

use super::client_env;
use crate::fuzz::{check_text, debug_hides};

#[test]
fn client_env_file() {
    let seeds = [
        "# a comment\n\nMESHAGENT_API_KEY=ma-a-b-canary\nMESHAGENT_URL=http://[::1]:8080\n",
        " A_1=a=b+c/d~e,f@g%h \r\n",
    ];
    check_text!(seeds, |text| {
        let Ok(variables) = client_env::parse(text) else {
            return;
        };
        debug_hides(&variables.iter().map(|(_, value)| value).collect::<Vec<_>>());
        let named: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let written = client_env::format(&named).unwrap();
        let again = client_env::parse(&written).unwrap();
        let exposed = |variables: &[(String, crate::sensitive::SensitiveText)]| -> Vec<(String, String)> {
            let pairs = variables.iter();
            pairs
                .map(|(name, value)| (name.clone(), value.expose().clone()))
                .collect()
        };
        assert_eq!(exposed(&again), exposed(&variables));
    });
}
