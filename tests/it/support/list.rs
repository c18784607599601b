//! Lists of secrets, for comparing.

use serde_json::Value;

/// The list, less when and how often its secrets were set, which every row says.
#[track_caller]
pub(crate) fn undated(mut list: Value) -> Value {
    for row in list.as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        for member in ["updated_at", "version"] {
            assert!(row.remove(member).is_some_and(|value| value.is_u64()), "{member}");
        }
        // The command line adds it, for scripts that were written for another.
        assert!(row.remove("agent_id").is_none_or(|value| value.is_null()));
    }
    list
}
