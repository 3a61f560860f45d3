// What many verbs are told. Values.
#pragma once

#include <optional>
#include <string>

#include "engine/store.h"

namespace cairn::verbs {

// The moment a question is about.
struct MomentArguments {
  std::optional<engine::AsOf> as_of;
  std::optional<TimeUs> now;
  std::optional<Lsn> at_least;
  std::string experiment;  // "" = the base
};
// Who writes, and the key that makes a repetition harmless.
struct WriterArguments {
  std::string actor;
  std::string key;
};

}  // namespace cairn::verbs
