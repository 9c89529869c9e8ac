//! The IANA registry "SMTP Enhanced Status Codes" (RFC 5248), one row a code.
//!
//! Promises: every code that the registry lists is here, with its registered name, the basic reply
//! codes that it is registered with, and its document. Beside them stands what the code speaks
//! about when a server gives it in answer to RCPT, which no registry says: permanent and transient
//! apart.
//!
//! Does not judge. Servers use `X.1.1` for senders and `X.7.1` for everything; what a reply means
//! is for a policy to say, which sees the text too.

use super::EnhancedStatusCode;

/// What a code speaks about, as an answer to RCPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Nothing that can be told from the code.
    Nothing,
    /// That the mailbox is there.
    Present,
    /// That the mailbox is not there, or takes no mail.
    Absent,
    /// The recipient's domain.
    Domain,
    /// The sender's address.
    Sender,
    /// The client: its address, name, reputation or rights.
    Client,
    /// The receiving system.
    System,
    /// The dialogue itself.
    Protocol,
    /// The message, which is never sent.
    Content,
    /// How many or how often.
    Count,
    /// The recipient, or something else as often.
    Unclear,
}

/// A row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredCode {
    /// The second number.
    pub subject: u16,
    /// The third number.
    pub detail: u16,
    /// The registered name, in lower case where it begins.
    pub name: &'static str,
    /// The basic reply codes that it is registered with. Empty where none is given, where any may
    /// come with it, and for the three codes of RFC 7293, which may come with any 5yz.
    pub replies: &'static [u16],
    /// The document that defines it.
    pub document: &'static str,
    /// What it speaks about with class 5.
    pub permanent: Topic,
    /// What it speaks about with class 4.
    pub transient: Topic,
}

/// How near a row is to the code that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// It is the row of this code.
    Exact,
    /// The detail is not registered: it is `X.subject.0`.
    Subject,
    /// Nor is the subject: it is `X.0.0`.
    Class,
}

impl EnhancedStatusCode {
    /// The row of this code, or the nearest one that stands in for it (RFC 3463 section 2: an
    /// unknown detail counts as 0, and so does an unknown subject).
    #[must_use]
    pub fn registered(&self) -> (Nearness, &'static RegisteredCode) {
        if let Some(row) = row_of(self.subject, self.detail) {
            return (Nearness::Exact, row);
        }
        match row_of(self.subject, 0) {
            Some(row) => (Nearness::Subject, row),
            None => (Nearness::Class, &ROWS[0]),
        }
    }
}

fn row_of(subject: u16, detail: u16) -> Option<&'static RegisteredCode> {
    let place = ROWS.binary_search_by_key(&(subject, detail), |row| (row.subject, row.detail));
    place.ok().map(|place| &ROWS[place])
}

macro_rules! rows {
    ($($subject:literal $detail:literal $name:literal $replies:tt $document:literal
       $permanent:ident $transient:ident)+) => {
        &[$(RegisteredCode {
            subject: $subject,
            detail: $detail,
            name: $name,
            replies: &$replies,
            document: $document,
            permanent: Topic::$permanent,
            transient: Topic::$transient,
        }),+]
    };
}

/// Every registered code, in order; the first is `X.0.0`.
#[rustfmt::skip]
pub const ROWS: &[RegisteredCode] = rows! {
    0 0 "other undefined status" [] "RFC 3463" Nothing Nothing
    1 0 "other address status" [] "RFC 3463" Unclear Unclear
    1 1 "bad destination mailbox address" [451, 550] "RFC 3463" Absent Absent
    1 2 "bad destination system address" [] "RFC 3463" Domain Domain
    1 3 "bad destination mailbox address syntax" [501] "RFC 3463" Absent Unclear
    1 4 "destination mailbox address ambiguous" [] "RFC 3463" Unclear Unclear
    1 5 "destination address valid" [250] "RFC 3463" Unclear Unclear
    1 6 "destination mailbox has moved, no forwarding address" [] "RFC 3463" Absent Absent
    1 7 "bad sender's mailbox address syntax" [] "RFC 3463" Sender Sender
    1 8 "bad sender's system address" [451, 501] "RFC 3463" Sender Sender
    1 9 "message relayed to non-compliant mailer" [] "RFC 3886" Nothing Nothing
    1 10 "recipient address has null MX" [556] "RFC 7505" Domain Nothing
    2 0 "other or undefined mailbox status" [] "RFC 3463" Unclear Present
    2 1 "mailbox disabled, not accepting messages" [] "RFC 3463" Absent Present
    2 2 "mailbox full" [552] "RFC 3463" Present Present
    2 3 "message length exceeds administrative limit" [552] "RFC 3463" Content Content
    2 4 "mailing list expansion problem" [450, 452] "RFC 3463" Present Present
    3 0 "other or undefined mail system status"
        [221, 250, 421, 451, 550, 554] "RFC 3463" System System
    3 1 "mail system full" [452] "RFC 3463" System System
    3 2 "system not accepting network messages" [453, 521] "RFC 3463, RFC 7504" System System
    3 3 "system not capable of selected features" [] "RFC 3463" Protocol Protocol
    3 4 "message too big for system" [552, 554] "RFC 3463" Content Content
    3 5 "system incorrectly configured" [] "RFC 3463" System System
    3 6 "requested priority was changed" [250, 251] "RFC 6710" Nothing Nothing
    4 0 "other or undefined network or routing status" [] "RFC 3463" System System
    4 1 "no answer from host" [451] "RFC 3463" System System
    4 2 "bad connection" [421] "RFC 3463" System System
    4 3 "directory server failure" [451, 550] "RFC 3463" System System
    4 4 "unable to route" [] "RFC 3463" Domain System
    4 5 "mail system congestion" [451] "RFC 3463" System System
    4 6 "routing loop detected" [] "RFC 3463" System System
    4 7 "delivery time expired" [] "RFC 3463" Nothing Nothing
    5 0 "other or undefined protocol status"
        [220, 250, 251, 252, 253, 451, 452, 454, 458, 459, 501, 502, 503, 554]
        "RFC 3463" Protocol Protocol
    5 1 "invalid command" [430, 500, 501, 503, 530, 550, 554, 555] "RFC 3463" Protocol Protocol
    5 2 "syntax error" [500, 501, 502, 550, 555] "RFC 3463" Protocol Protocol
    5 3 "too many recipients" [451] "RFC 3463" Count Count
    5 4 "invalid command arguments" [451, 501, 502, 503, 504, 550, 555] "RFC 3463" Protocol Protocol
    5 5 "wrong protocol version" [] "RFC 3463" Protocol Protocol
    5 6 "authentication exchange line is too long" [500] "RFC 4954" Protocol Protocol
    6 0 "other or undefined media error" [] "RFC 3463" Content Content
    6 1 "media not supported" [] "RFC 3463" Content Content
    6 2 "conversion required and prohibited" [] "RFC 3463" Content Content
    6 3 "conversion required but not supported" [554] "RFC 3463" Content Content
    6 4 "conversion with loss performed" [250] "RFC 3463" Content Content
    6 5 "conversion failed" [] "RFC 3463" Content Content
    6 6 "message content not available" [554] "RFC 4468" Content Content
    6 7 "non-ASCII addresses not permitted for that sender or recipient"
        [550, 553] "RFC 6531" Protocol Protocol
    6 8 "UTF-8 string reply is required, but not permitted by the client"
        [252, 550, 553] "RFC 6531" Protocol Protocol
    6 9 "UTF-8 header message cannot be transferred to one or more recipients"
        [550] "RFC 6531" Content Content
    6 10 "deprecated duplicate of X.6.8" [252, 550, 553] "RFC 6531" Protocol Protocol
    7 0 "other or undefined security status"
        [220, 235, 450, 454, 500, 501, 503, 504, 530, 535, 550] "RFC 3463" Client Client
    7 1 "delivery not authorized, message refused"
        [451, 454, 502, 503, 533, 550, 551] "RFC 3463" Unclear Client
    7 2 "mailing list expansion prohibited" [550] "RFC 3463" Present Present
    7 3 "security conversion required but not possible" [] "RFC 3463" Protocol Protocol
    7 4 "security features not supported" [504] "RFC 3463" Protocol Protocol
    7 5 "cryptographic failure" [] "RFC 3463" Protocol Protocol
    7 6 "cryptographic algorithm not supported" [] "RFC 3463" Protocol Protocol
    7 7 "message integrity failure" [] "RFC 3463" Protocol Protocol
    7 8 "authentication credentials invalid" [535, 554] "RFC 4954" Client Client
    7 9 "authentication mechanism is too weak" [534] "RFC 4954" Client Client
    7 10 "encryption needed" [523] "RFC 5248" Protocol Protocol
    7 11 "encryption required for requested authentication mechanism"
        [524, 538] "RFC 4954" Client Client
    7 12 "a password transition is needed" [422, 432] "RFC 4954" Client Client
    7 13 "user account disabled" [525] "RFC 5248" Absent Present
    7 14 "trust relationship required" [535, 554] "RFC 5248" Client Client
    7 15 "priority level is too low" [450, 550] "RFC 6710" Protocol Protocol
    7 16 "message is too big for the specified priority" [552] "RFC 6710" Content Content
    7 17 "mailbox owner has changed" [] "RFC 7293" Present Nothing
    7 18 "domain owner has changed" [] "RFC 7293" Nothing Nothing
    7 19 "RRVS test cannot be completed" [] "RFC 7293" Nothing Nothing
    7 20 "no passing DKIM signature found" [550] "RFC 7372" Content Content
    7 21 "no acceptable DKIM signature found" [550] "RFC 7372" Content Content
    7 22 "no valid author-matched DKIM signature found" [550] "RFC 7372" Content Content
    7 23 "SPF validation failed" [550] "RFC 7372" Sender Sender
    7 24 "SPF validation error" [451, 550] "RFC 7372" Sender Sender
    7 25 "reverse DNS validation failed" [550] "RFC 7372" Client Client
    7 26 "multiple authentication checks failed" [550] "RFC 7372" Sender Sender
    7 27 "sender address has null MX" [550] "RFC 7505" Sender Sender
    7 28 "mail flood detected" [] "M3AAWG" Count Count
    7 29 "ARC validation failure" [550] "RFC 8617" Content Content
    7 30 "REQUIRETLS support required" [550] "RFC 8689" Protocol Protocol
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The greatest detail of every subject; the registry has no gaps.
    const DETAILS: [u16; 8] = [0, 10, 4, 6, 7, 6, 10, 30];

    fn code(text: &str) -> EnhancedStatusCode {
        EnhancedStatusCode::from_text(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_registered_code_has_its_row_in_order() {
        let expected = (0_u16..).zip(DETAILS);
        let expected = expected.flat_map(|(subject, last)| (0..=last).map(move |d| (subject, d)));
        let found = ROWS.iter().map(|row| (row.subject, row.detail));
        assert!(found.eq(expected));
    }

    #[test]
    fn every_row_has_a_name_a_document_and_codes_that_fit_a_class() {
        for row in ROWS {
            let named = !row.name.is_empty() && !row.name.ends_with('.');
            assert!(named && !row.document.is_empty(), "{row:?}");
            assert!(row.replies.is_sorted_by(|a, b| a < b), "{row:?}");
            let fit = |reply: &u16| matches!(reply / 100, 2 | 4 | 5);
            assert!(row.replies.iter().all(fit), "{row:?}");
        }
    }

    #[test]
    fn a_code_is_found_by_its_numbers_whatever_its_class() {
        for (text, name) in [
            ("5.1.1", "bad destination mailbox address"),
            ("4.1.1", "bad destination mailbox address"),
            ("2.1.5", "destination address valid"),
            ("5.1.10", "recipient address has null MX"),
            ("5.7.30", "REQUIRETLS support required"),
            ("4.0.0", "other undefined status"),
        ] {
            let (nearness, row) = code(text).registered();
            assert_eq!((nearness, row.name), (Nearness::Exact, name), "{text}");
        }
    }

    #[test]
    fn an_unknown_detail_falls_back_to_its_subject_and_an_unknown_subject_to_nothing() {
        for (text, nearness, numbers) in [
            ("5.1.77", Nearness::Subject, (1, 0)),
            ("5.7.606", Nearness::Subject, (7, 0)),
            ("4.2.120", Nearness::Subject, (2, 0)),
            ("5.9.2", Nearness::Class, (0, 0)),
            ("4.999.999", Nearness::Class, (0, 0)),
            ("5.0.1", Nearness::Subject, (0, 0)),
        ] {
            let (found, row) = code(text).registered();
            assert_eq!(
                (found, (row.subject, row.detail)),
                (nearness, numbers),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_code_speaks_about_is_told_for_both_classes() {
        let topics = |subject, detail| {
            let row = row_of(subject, detail).unwrap();
            (row.permanent, row.transient)
        };
        assert_eq!(topics(1, 1), (Topic::Absent, Topic::Absent));
        assert_eq!(topics(2, 1), (Topic::Absent, Topic::Present));
        assert_eq!(topics(2, 2), (Topic::Present, Topic::Present));
        assert_eq!(topics(5, 3), (Topic::Count, Topic::Count));
        assert_eq!(topics(7, 1), (Topic::Unclear, Topic::Client));
        assert_eq!(topics(7, 23), (Topic::Sender, Topic::Sender));
        let used: std::collections::BTreeSet<Topic> = ROWS
            .iter()
            .flat_map(|row| [row.permanent, row.transient])
            .collect();
        assert_eq!(used.len(), 11, "every topic is some code's");
    }
}
