// Random valid occurrences, awkward on purpose: escapes, NUL, non-BMP characters, big numbers,
// deep bodies, blanks inside verbatim parts.
#pragma once

#include <random>
#include <string>

#include "model/occurrence.h"

namespace cairn::testing {

// A random JSON value. Members of one object have different names.
std::string random_json(std::mt19937_64& random, int depth);
// Text with characters of every UTF-8 length and control characters.
std::string random_text(std::mt19937_64& random, size_t max_characters);
model::Occurrence awkward_occurrence(std::mt19937_64& random);

}  // namespace cairn::testing
