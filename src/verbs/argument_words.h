// What the verbs' command lines have in common: words as numbers, times and moments, and the
// options that many verbs take. Private to the files that parse arguments.
//
// Options are bound to places that must outlive the parse. What is refused throws
// CLI::ValidationError, which parse_arguments() turns into advice.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verbs/arguments.h"

namespace cairn::verbs {

// Fills the verb's values once CLI11 has read the words into the places bound to it. Throws
// CLI::ValidationError for what it refuses.
using Finish = std::function<VerbArguments()>;

[[noreturn]] void refuse(const std::string& message);

std::optional<uint64_t> whole_number(std::string_view text);
// A whole number from `low` to `high`, also as 200k, 10M or 2G, turned into plain digits. CLI11
// itself would read -1 as the largest number there is, and 010 as 8.
CLI::Validator count_from(uint64_t low, uint64_t high = UINT64_MAX);
// Refuses "", as a script gives whose variable is empty.
CLI::Validator not_empty();
// 2026-10-01, 2026-10-01T12:00:00Z or @1790812800 (epoch seconds).
TimeUs read_time(const std::string& option, const std::string& text);
// 90d, 12h, 30m, 45s, 2w: a whole number and its unit; in microseconds.
int64_t read_duration(const std::string& option, const std::string& text);
// 5s, 500ms, 2m, 1h; 0 = without end. In microseconds.
int64_t read_timeout(const std::string& option, const std::string& text);
// 256m, 1g, 65536, in units of 1024; 0 = without end. In bytes.
uint64_t read_bytes(const std::string& option, const std::string& text);
// The words, blanks between them.
std::string join(const std::vector<std::string>& words);

void add_store(CLI::App& app, std::string& store);
void add_writer(CLI::App& app, WriterArguments& writer);

struct MomentWords {
  std::optional<std::string> as_of;
  std::string now;
  std::optional<uint64_t> at_least;
  std::string experiment;
};
void add_moment(CLI::App& app, MomentWords& words);
struct BudgetWords {
  std::string timeout;
  std::string max_memory;
  uint64_t max_examined = 0;
  uint64_t max_rows = 0;
};
// --timeout, --max-memory, --max-examined, --max-rows.
void add_budget(CLI::App& app, BudgetWords& words);
query::Budget read_budget(const BudgetWords& words);
void add_experiment(CLI::App& app, MomentWords& words);  // --in NAME
// `what` names the word in messages.
engine::AsOf read_as_of(const std::string& what, const std::string& text);
MomentArguments read_moment(const MomentWords& words);

// --- verbs whose arguments are read elsewhere than in arguments.cc ------------------------------
Finish build_events(CLI::App& app);
Finish build_tags(CLI::App& app);
Finish build_merge(CLI::App& app);
// arguments_workflow.cc
Finish build_status(CLI::App& app, model::Status status);
Finish build_priority(CLI::App& app);
Finish build_assign(CLI::App& app);
Finish build_note(CLI::App& app);
Finish build_attention(CLI::App& app, model::Attention attention);
Finish build_link(CLI::App& app);
Finish build_standing(CLI::App& app, model::Standing standing);
Finish build_tick(CLI::App& app);
// arguments_registry.cc
Finish build_projects(CLI::App& app);
Finish build_types(CLI::App& app);
Finish build_releases(CLI::App& app);
// arguments_serve.cc
Finish build_serve(CLI::App& app);
Finish build_token(CLI::App& app);
Finish build_experiment(CLI::App& app);
Finish build_sweep(CLI::App& app);
Finish build_alert(CLI::App& app);
Finish build_digest(CLI::App& app);

}  // namespace cairn::verbs
