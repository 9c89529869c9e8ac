//! The protocol of `vrfy` without the network.
#![forbid(unsafe_code)]

pub mod address_safety;
pub mod attempt_view;
pub mod command;
pub mod decoy;
pub mod domain;
pub mod ehlo_name;
pub mod enhanced_code;
pub mod evidence;
pub mod extensions;
pub mod limits;
pub mod mailbox;
pub mod mx;
pub mod reply;
pub mod reply_reader;
pub mod reverse_path;
pub mod session;
pub mod special_use;
pub mod stage;
pub mod timeouts;
pub mod transcript;
