#include "verbs/command_answer.h"

#include <fmt/format.h>

#include "verbs/output.h"

namespace cairn::verbs {

std::vector<std::string> short_ids(const model::State& state, std::span<const GroupId> groups) {
  std::vector<std::string> names;
  for (const GroupId id : groups) names.push_back(state.short_id(id));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  std::string out;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    if (i > 0) out += ", ";
    out += names[i];
  }
  if (names.size() > kShown) out += fmt::format(" and {} more", names.size() - kShown);
  return out;
}

std::string lsn_note(const engine::ExecuteResult& result) {
  switch (result.outcome) {
    case engine::Outcome::Duplicate:
      return fmt::format("nothing done: this key was used before (LSN {})", raw(result.lsn));
    case engine::Outcome::NoChange:
      return "nothing to do: it is so already";
    default:
      return fmt::format("LSN {}", raw(result.lsn));
  }
}

JsonWriter& begin_answer(JsonWriter& json, const engine::ExecuteResult& result) {
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(result.lsn));
  json.key("outcome").string(outcome_name(result.outcome));
  return json;
}

void write_names(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  json.key(key).begin_array();
  for (const auto& name : names) json.string(name);
  json.end_array();
}

engine::ExecuteOptions options_of(const WriterArguments& writer) {
  return {writer.actor, writer.key};
}

}  // namespace cairn::verbs
