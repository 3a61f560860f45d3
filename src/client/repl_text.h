// Lines typed at the REPL as text: where a command ends, what its words are, how it is coloured.
// Pure; thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "verbs/terminal.h"

namespace cairn::client {

// Whether the command goes on in the next line: a quote, parenthesis or bracket is open, or the
// line ends in | or a backslash.
bool wants_more(std::string_view text);

// Adds a further line: one blank instead of the line's end, and instead of a backslash before it.
void add_line(std::string& text, std::string_view line);

// The words of a verb's line. A word that begins with a quote goes to its end, blanks and all,
// without the quotes; quotes further on belong to the word, as in browser:"Chrome 1". With
// `keeps_double_quotes` those that begin a word do so, too: they are the query language's.
// InvalidArgument with its position: a quote is not closed.
Result<std::vector<std::string>> split_words(std::string_view line, bool keeps_double_quotes);

// A query with its parts in colours, where the terminal has them.
std::string coloured_query(const verbs::Terminal& terminal, std::string_view query);
// What verbs tell of errors: the first line and the mark under the column in red.
std::string coloured_error(const verbs::Terminal& terminal, std::string_view text);

}  // namespace cairn::client
