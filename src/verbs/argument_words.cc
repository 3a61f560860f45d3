#include "verbs/argument_words.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/time_format.h"

namespace cairn::verbs {
void refuse(const std::string& message) { throw CLI::ValidationError(message); }

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, std::string());
}

CLI::Validator count_from(uint64_t low, uint64_t high) {
  return CLI::Validator(
      [low, high](std::string& text) -> std::string {
        std::string_view digits = text;
        constexpr std::string_view kUnits = "kmg";
        uint64_t unit = 1;
        const char last = digits.empty() ? '0' : static_cast<char>(digits.back() | 0x20);
        if (const size_t power = kUnits.find(last); power != std::string_view::npos) {
          for (size_t i = 0; i <= power; ++i) unit *= 1000;
          digits.remove_suffix(1);
        }
        const auto number = whole_number(digits);
        if (!number) return fmt::format("'{}' is no whole number; write 200000, 200k or 10M", text);
        if (*number > high / unit) {
          return high == UINT64_MAX ? text + " is too large"
                                    : fmt::format("{} is too large, the most is {}", text, high);
        }
        if (*number * unit < low) return fmt::format("{} is too small, the least is {}", text, low);
        text = std::to_string(*number * unit);
        return {};
      },
      "", "count");
}

TimeUs read_time(const std::string& option, const std::string& text) {
  if (text.starts_with('@')) {
    double seconds = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + 1, last, seconds);
    if (error == std::errc() && end == last) {
      if (const auto time = time_from_seconds(seconds)) return *time;
    }
  } else if (const auto time = parse_time(text)) {
    return *time;
  }
  refuse(
      fmt::format("{}: '{}' is no time; write 2026-10-01, 2026-10-01T12:00:00Z or @EPOCH_SECONDS",
                  option, text));
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out.push_back(' ');
    out += word;
  }
  return out;
}

void add_store(CLI::App& app, std::string& store) { app.add_option("STORE", store)->required(); }

void add_writer(CLI::App& app, WriterArguments& writer) {
  app.add_option("--actor", writer.actor, "who does it (default: you)")->type_name("NAME");
  app.add_option("--key", writer.key, "the same key changes nothing twice")->type_name("KEY");
}

void add_moment(CLI::App& app, MomentWords& words) {
  app.add_option("--as-of", words.as_of, "ask the past: a time or a record number")
      ->type_name("TIME|LSN");
  app.add_option("--now", words.now, "what relative dates are relative to")->type_name("TIME");
  app.add_option("--at-least", words.at_least, "fail unless the store has come this far")
      ->transform(count_from(0))
      ->type_name("LSN");
}

void add_experiment(CLI::App& app, MomentWords& words) {
  app.add_option("--in", words.experiment, "as this experiment groups them")->type_name("NAME");
}

engine::AsOf read_as_of(const std::string& what, const std::string& text) {
  engine::AsOf as_of;
  if (const auto lsn = whole_number(text)) {
    as_of.lsn = Lsn{*lsn};
  } else {
    as_of.time = read_time(what, text);
  }
  return as_of;
}

MomentArguments read_moment(const MomentWords& words) {
  MomentArguments moment;
  if (words.as_of) moment.as_of = read_as_of("--as-of", *words.as_of);
  if (!words.now.empty()) moment.now = read_time("--now", words.now);
  if (words.at_least) moment.at_least = Lsn{*words.at_least};
  moment.experiment = words.experiment;
  return moment;
}

namespace {

// A whole number and a unit out of `units`; nullopt: neither, or the product is too large.
std::optional<uint64_t> read_amount(const std::string& text,
                                    const std::map<std::string, uint64_t>& units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = whole_number(std::string_view(text).substr(0, digits));
  if (count && *count == 0 && digits == text.size()) return 0;
  const auto unit = units.find(text.substr(digits));
  constexpr uint64_t kMost = uint64_t{1} << 62;
  if (!count || unit == units.end() || *count > kMost / unit->second) return std::nullopt;
  return *count * unit->second;
}

}  // namespace

int64_t read_timeout(const std::string& option, const std::string& text) {
  static const std::map<std::string, uint64_t> kUnits = {
      {"ms", 1000}, {"s", 1'000'000}, {"m", 60'000'000}, {"h", 3'600'000'000}};
  const auto us = read_amount(text, kUnits);
  if (!us) {
    refuse(fmt::format("{}: '{}' is no time to wait; write 500ms, 5s or 2m, or 0 for any", option,
                       text));
  }
  return static_cast<int64_t>(*us);
}

uint64_t read_bytes(const std::string& option, const std::string& text) {
  static const std::map<std::string, uint64_t> kUnits = {
      {"", 1},         {"k", 1u << 10}, {"K", 1u << 10}, {"m", 1u << 20},
      {"M", 1u << 20}, {"g", 1u << 30}, {"G", 1u << 30}};
  const auto bytes = read_amount(text, kUnits);
  if (!bytes) {
    refuse(fmt::format("{}: '{}' is no amount of memory; write 256m or 2g, or 0 for any", option,
                       text));
  }
  return *bytes;
}

void add_budget(CLI::App& app, BudgetWords& words) {
  app.add_option("--timeout", words.timeout, "give up after so long (default 60s; 0 = never)")
      ->type_name("TIME");
  app.add_option("--max-memory", words.max_memory,
                 "give up when it needs more (default 1g; 0 = never)")
      ->type_name("BYTES");
  app.add_option("--max-examined", words.max_examined,
                 "give up after so many occurrences read one by one (default: any)")
      ->transform(count_from(0))
      ->type_name("N");
  app.add_option("--max-rows", words.max_rows, "give up when the answer has more (default: any)")
      ->transform(count_from(0))
      ->type_name("N");
}

query::Budget read_budget(const BudgetWords& words) {
  query::Budget budget = kDefaultBudget;
  if (!words.timeout.empty()) budget.time_us = read_timeout("--timeout", words.timeout);
  if (!words.max_memory.empty()) {
    budget.memory_bytes = read_bytes("--max-memory", words.max_memory);
  }
  budget.rows_examined = words.max_examined;
  budget.rows_returned = words.max_rows;
  return budget;
}

int64_t read_duration(const std::string& option, const std::string& text) {
  static const std::map<char, int64_t> kSeconds = {
      {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}, {'w', 604'800}};
  constexpr uint64_t kMost = 10'000ull * 366 * 86'400;  // seconds: longer than time goes back
  const auto unit = text.empty() ? kSeconds.end() : kSeconds.find(text.back());
  const auto count =
      text.empty() ? std::nullopt : whole_number(std::string_view(text).substr(0, text.size() - 1));
  if (unit == kSeconds.end() || !count || *count > kMost / static_cast<uint64_t>(unit->second)) {
    refuse(fmt::format("{}: '{}' is no length of time; write 90d, 12h or 2w (s, m, h, d, w)",
                       option, text));
  }
  return static_cast<int64_t>(*count) * unit->second * kMicrosPerSecond;
}

}  // namespace cairn::verbs
