//! The default policy of `vrfy`.
wit_bindgen::generate!({ path: "../wit", world: "policy" });
