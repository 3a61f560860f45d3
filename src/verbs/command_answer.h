// What the verbs that change something have in common: their options and their answers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "engine/store.h"
#include "verbs/arguments.h"

namespace cairn::verbs {

engine::ExecuteOptions options_of(const WriterArguments& writer);

// The names of groups; taken before the state changes.
std::vector<std::string> short_ids(const model::State& state, std::span<const GroupId> groups);

// "SHOP-1, SHOP-2 and 7 more"
std::string joined(const std::vector<std::string>& names);

// "LSN 12", or why nothing was done.
std::string lsn_note(const engine::ExecuteResult& result);

// Begins an object with what every answer has; the caller adds to it and ends it.
JsonWriter& begin_answer(JsonWriter& json, const engine::ExecuteResult& result);

void write_names(JsonWriter& json, std::string_view key, const std::vector<std::string>& names);

}  // namespace cairn::verbs
