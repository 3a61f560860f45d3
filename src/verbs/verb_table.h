// The verbs as people read about them: one line each, usage and examples.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cairn::verbs {

struct VerbHelp {
  std::string_view name;
  std::string_view usage;  // after the name
  std::string_view summary;
  std::string_view details;   // more sentences, "" = none
  std::string_view examples;  // whole lines, indented
};

std::span<const VerbHelp> verb_table();
const VerbHelp* find_verb(std::string_view name);
// The verb most like `word`; nullptr when none is near.
const VerbHelp* nearest_verb(std::string_view word);

// What `cairn --help` prints.
std::string overview();

}  // namespace cairn::verbs
