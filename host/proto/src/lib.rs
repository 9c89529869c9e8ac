//! The protocol of `vrfy` without the network.
#![forbid(unsafe_code)]

pub mod address_safety;
pub mod decoy;
pub mod domain;
pub mod ehlo_name;
pub mod evidence;
pub mod mailbox;
pub mod mx;
pub mod reverse_path;
pub mod special_use;
pub mod stage;
