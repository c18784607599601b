//! API keys and participant tokens.
