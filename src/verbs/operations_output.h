// What operations tell about a store, for people and as JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "engine/store.h"
#include "verbs/console.h"

namespace cairn::verbs {

// "name             value"
void print_row(Console& console, std::string_view name, std::string_view value);

void write_digests(JsonWriter& json, const engine::Digests& digests);
void print_digests(Console& console, const engine::Digests& digests);
// The members of what retention removed, into an open object.
void write_removed(JsonWriter& json, const engine::Removed& removed);

std::string stats_json(const engine::Stats& stats);
void print_stats(const engine::Stats& stats, Console& console);

std::string verify_json(const engine::VerifyReport& report);
void print_verify(const engine::VerifyReport& report, Console& console);

}  // namespace cairn::verbs
