//! The hunt, hunted: a value planted in a copy of an output, in every form and at every distance, must be found.

use crate::{
    encodings::{PIECE, encodings},
    needles::Needles,
};

/// Control characters, quotes, reserved characters, letters beyond ASCII; and bytes that are no text; and a key.
const VALUES: [&[u8]; 4] = [
    "a \"value\" / with \\ & ümläüte\u{1}\n+ 100% <of> everything?".as_bytes(),
    b"\x00\xff\xfe-bytes-that-are-no-text-\x80\x90\xa0\xb0\xc0\xd0",
    b"0Jp64Rw7Zq81aYb39Kd0Ww2xLm7P5Gy8",
    b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDB5Ym9keSdzLWtleS1hdC1hbGwtMTIz\n-----END PRIVATE KEY-----\n",
];

/// Outputs of other things, so that a finder that says yes to everything is seen as well.
const OUTPUT: &str = "   0.007 TRACE keywheel_engine::limits: answer ok=true\n{\"format\":1,\"fingerprint\":\"75ef130d2bc9b80c\",\
    \"rotation\":\"62562b75-deb4-47ce-89a4-036d9010df2e\",\"bytes\":[1,2,3]}\n-----BEGIN PRIVATE KEY-----\n\
    -----BEGIN PUBLIC KEY-----\n[\n    1,\n    2,\n    3,\n]\n";

#[test]
fn a_value_planted_in_any_form_is_found_and_named() {
    let mut planted = 0;
    for value in VALUES {
        let needles = Needles::of([(value, "the planted value")]);
        assert!(needles.find(OUTPUT.as_bytes()).is_none(), "found where nothing was planted");
        for form in encodings(value) {
            // Every distance from the words that the search looks at, and only a piece of the value.
            for distance in 0..PIECE {
                let from = distance * (form.text.len() - form.piece) / (PIECE - 1);
                let piece = &form.text[from..from + form.piece];
                let output =
                    [&OUTPUT.as_bytes()[..100 + distance], piece, &OUTPUT.as_bytes()[100..]].concat();
                let hit = needles.find(&output);
                assert!(hit.is_some(), "{} is not found at {distance}", form.encoding);
                planted += 1;
            }
            let output = [OUTPUT.as_bytes(), &form.text, OUTPUT.as_bytes()].concat();
            let alike: Vec<_> =
                encodings(value).into_iter().filter(|other| other.text == form.text).collect();
            let named = needles.hits(&output).any(|hit| {
                hit.value == "the planted value" && alike.iter().any(|form| form.encoding == hit.encoding)
            });
            assert!(named, "{} is found under other names", form.encoding);
        }
    }
    println!("{planted} planted pieces were found");
}

#[test]
fn the_forms_are_what_programs_write() {
    let value = "a/\"ü\u{1}zzzzzzzz".as_bytes();
    let form = |name: &str| {
        let found = encodings(value).into_iter().find(|form| form.encoding == name);
        String::from_utf8_lossy(&found.expect("there is such a form").text).into_owned()
    };
    assert!(form("hex").starts_with("612f22c3bc01"));
    assert!(form("percent-encoded").starts_with("a%2F%22%C3%BC%01zz"));
    assert!(form("percent-encoded, lower case").starts_with("a%2f%22%c3%bc%01zz"));
    assert!(form("percent-encoded, every byte").starts_with("%61%2F%22%C3%BC%01%7A"));
    assert!(form("JSON").starts_with(r#""a/\"ü\u0001zz"#));
    assert!(form("JSON of ASCII alone").starts_with(r#"a\/\"\u00fc\u0001zz"#));
    assert_eq!(form("Rust's Debug of text"), format!("{:?}", "a/\"ü\u{1}zzzzzzzz"));
    assert!(format!("{value:?}").contains(&form("Rust's Debug of bytes")));
    assert!(format!("{value:x?}").contains(&form("Rust's Debug of bytes in hex")));
    assert!(format!("{value:#?}").contains(&form("Rust's alternate Debug of bytes")));
}
