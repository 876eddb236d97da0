# The catalog of the journal (journalctl -x), made of daemon/base/log_events.def: what each kind of record means.

# Words on lines of at most 78 characters.
function write_wrapped(text,    n_words, words, i, line) {
    n_words = split(text, words, " ")
    line = words[1]
    for (i = 2; i <= n_words; i++)
        if (length(line) + 1 + length(words[i]) <= 78)
            line = line " " words[i]
        else {
            print line
            line = words[i]
        }
    print line
}

# Every other part is between quotes: the name, the id, and the pieces of the meaning.
function write_entry(event,    n_parts, parts, i, meaning) {
    n_parts = split(event, parts, "\"")
    for (i = 6; i <= n_parts; i += 2)
        meaning = meaning parts[i]
    printf "\n-- %s\nSubject: %s\nDefined-By: gatherd\nDocumentation: man:gatherd(8)\n\n", parts[4], parts[2]
    write_wrapped(meaning)
}

/^EVENT\(/ { event = "" }
{ event = event $0 }
/"\)$/ { write_entry(event) }
