//! Values that everybody tries first, and values that a pattern gives away.

use zeroize::Zeroizing;

/// What is left of a default after [`fold`].
const WORDS: &str = "
    abc admin adminadmin administrator adminpassword admintoken apikey asdf asdfgh asdfghjkl bar changeit
    changeme changethis common cookiesecret default defaultpassword defaultsecret demo dev development
    docker dragon dummy example examplepassword examplesecret fake fixme foo foobar foobarbaz guest hello
    helloworld hmacsecret hunter iloveyou insecure insecurepassword insecuresecret jwtsecret key keyboard
    keyboardcat keywheel letmein letmeinplease local localhost login master masterkey minioadmin mongo
    monkey mypass mypassword mysecret mysecretkey mysecretpassword mysql none null oracle pass passpass
    passwd password passwordpassword postgres postgrespassword prod production pwd qazwsx qwerty
    qwertyuiop rabbitmq redis replaceme root rootpassword sa sample secret secretkey secretkeybase
    secretpassword secretsecret secrettoken sekret sessionsecret shhh shhhh staging swordfish sysadmin
    system tbd temp temporary test tester testing testkey testpassword testsecret testtest tobechanged
    todo token toor topsecret ubuntu undefined unset user vagrant verysecret welcome xxx xxxx xxxxxxxx
    yoursecretkey zxcvbn zxcvbnm
";

/// Pieces that only a placeholder holds, wherever in it they stand.
const PHRASES: &str = "
    changeme changethis changebefore replaceme replacethis replacewith insertyour yoursecret
    yourpassword placeholder donotuse notasecret supersecret
";

/// A value longer than this is not searched for phrases: in enough random text, any word turns up.
const LONGEST_PLACEHOLDER: usize = 96;

/// Whether `text` is a default, a placeholder or a variation of one: `changeme`, `CHANGE_ME_2024`, `P@ssw0rd!`.
pub(super) fn is_well_known(text: &str) -> bool {
    let folded = fold(text);
    let whole = folded.as_str();
    WORDS.split_ascii_whitespace().any(|word| word == whole)
        || (text.len() <= LONGEST_PLACEHOLDER
            && PHRASES.split_ascii_whitespace().any(|phrase| whole.contains(phrase)))
}

/// Takes off what people add to satisfy a rule: capitals, separators, a number or a `!` at the end, digits for letters.
fn fold(text: &str) -> Zeroizing<String> {
    let stem = text.trim_end_matches(|last: char| !last.is_alphabetic());
    // The capacity is exact from the start: a string that grows leaves unwiped copies behind.
    let mut folded = Zeroizing::new(String::with_capacity(stem.len()));
    for character in stem.chars().filter(char::is_ascii) {
        match character.to_ascii_lowercase() {
            '@' | '4' => folded.push('a'),
            '0' => folded.push('o'),
            '1' | '!' => folded.push('i'),
            '3' => folded.push('e'),
            '$' | '5' => folded.push('s'),
            '7' => folded.push('t'),
            letter if letter.is_ascii_lowercase() => folded.push(letter),
            _ => {}
        }
    }
    folded
}

/// Whether the whole of `bytes` is one piece said twice or more, the last time perhaps cut short: `aaaa`, `abcabcab`.
pub(super) fn is_repeated(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| bytes[period..] == bytes[..bytes.len() - period])
}

/// Whether each byte follows from the one before by counting up or down: `abcdefgh`, `12345678901`, `fedcba`.
pub(super) fn is_sequence(bytes: &[u8]) -> bool {
    let follows =
        |before: u8, after: u8| before.wrapping_add(1) == after || (before == b'9' && after == b'0');
    bytes.len() >= 4
        && (bytes.windows(2).all(|pair| follows(pair[0], pair[1]))
            || bytes.windows(2).all(|pair| follows(pair[1], pair[0])))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_words_are_written_folded() {
        for word in WORDS.split_ascii_whitespace().chain(PHRASES.split_ascii_whitespace()) {
            assert_eq!(fold(word).as_str(), word);
        }
    }

    #[rstest]
    #[case("changeme")]
    #[case("CHANGE_ME")]
    #[case("please-change-me-before-production")]
    #[case("P@ssw0rd!")]
    #[case("Password1234")]
    #[case("admin")]
    #[case("my-secret-key")]
    #[case("Secret_2024")]
    #[case("default")]
    #[case("example")]
    #[case("test")]
    #[case("<your-secret-here>")]
    fn a_default_is_known_in_every_dress(#[case] text: &str) {
        assert!(is_well_known(text));
    }

    #[rstest]
    #[case("")]
    #[case("1234567890")]
    #[case("V.q2mZ_f~8Wc-Lx4")]
    #[case("correct horse battery staple")]
    #[case("contest")]
    fn other_text_is_not_known(#[case] text: &str) {
        assert!(!is_well_known(text));
    }

    #[rstest]
    #[case(b"", false)]
    #[case(b"a", false)]
    #[case(b"aa", true)]
    #[case(b"abcabcab", true)]
    #[case(b"abcab", false)]
    #[case(b"aaaaaaab", false)]
    fn repetition(#[case] bytes: &[u8], #[case] repeated: bool) {
        assert_eq!(is_repeated(bytes), repeated);
    }

    #[rstest]
    #[case(b"abc", false)]
    #[case(b"abcd", true)]
    #[case(b"1234567890123", true)]
    #[case(b"987654321098", true)]
    #[case(b"abdc", false)]
    #[case(b"\xfe\xff\x00\x01", true)]
    fn counting(#[case] bytes: &[u8], #[case] sequence: bool) {
        assert_eq!(is_sequence(bytes), sequence);
    }
}
