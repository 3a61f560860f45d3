#include "client/repl_complete.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "client/repl_help.h"
#include "client/repl_text.h"
#include "model/json_scalar.h"
#include "model/json_tree.h"
#include "verbs/verb_table.h"

namespace cairn::client {
namespace {

using model::JsonKind;
using model::JsonValue;
using Texts = std::vector<std::string>;

constexpr auto kKept = std::chrono::seconds(20);
constexpr std::string_view kBlanks = " \t";

constexpr std::array<std::string_view, 21> kStages = {
    "count()", "uniq(",  "issues()",  "rate(", "sum(",  "avg(", "min(",
    "max(",    "p50(",   "p90(",      "p95(",  "p99(",  "top",  "sort",
    "limit",   "fields", "histogram", "where", "trend", "by",   "every"};
constexpr std::array<std::string_view, 7> kSorts = {"date",   "new",         "freq",    "user",
                                                    "trends", "recommended", "priority"};
constexpr std::array<std::string_view, 6> kExperimentActions = {"new",     "add",     "list",
                                                                "compare", "promote", "drop"};
constexpr std::array<std::string_view, 17> kAlertActions = {
    "add",  "change", "check",  "close",  "comment", "explain", "incident", "incidents", "ack",
    "list", "pause",  "remove", "resume", "show",    "stats",   "test",     "tick"};

// Those that begin with what was typed, in any case of letters, in order, each once.
Completions fitting(size_t begin, std::string_view typed, const Texts& texts) {
  Completions out{begin, {}};
  const std::string start = lower_ascii(typed);
  for (const std::string& text : texts) {
    if (lower_ascii(text).starts_with(start)) out.candidates.push_back(text);
  }
  std::sort(out.candidates.begin(), out.candidates.end());
  out.candidates.erase(std::unique(out.candidates.begin(), out.candidates.end()),
                       out.candidates.end());
  return out;
}

template <class Range>
Texts to_texts(const Range& range) {
  return Texts(range.begin(), range.end());
}

// Where the word before the cursor begins, quoted blanks along.
size_t word_begin(std::string_view text) {
  size_t begin = 0;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && kBlanks.find(text[at]) != std::string_view::npos) {
      begin = at + 1;
    }
  }
  return begin;
}

JsonValue member(JsonValue object, std::string_view name) {
  for (JsonValue key = object.first(); key; key = key.next().next()) {
    if (key.content() == name) return key.next();
  }
  return {};
}

std::string text_of(JsonValue value) {
  std::string out;
  if (!value) return out;
  if (value.kind() != JsonKind::String) return std::string(value.raw());
  model::append_unescaped(out, value.content());
  return out;
}

// As a value of a query.
std::string quoted_value(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" \t\"()[],*\\") == std::string::npos &&
                     value[0] != '!';
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '*') out.push_back('\\');
    out.push_back(c);
  }
  return out + '"';
}

constexpr int kAnswerDepth = 4;  // {"rows":[[cell]]}, {"fields":[{"examples":[text]}]}

// {"rows":[[TEXT, ...], ...]}: the first cells that are texts.
Texts first_cells(const std::string& json) {
  Texts out;
  model::JsonTree tree;
  if (json.empty() || !tree.parse(json, kAnswerDepth, kAnswerDepth * 2)) return out;
  const JsonValue rows = member(tree.root(), "rows");
  if (!rows) return out;
  for (JsonValue row = rows.first(); row; row = row.next()) {
    const JsonValue cell = row.first();
    if (cell && cell.kind() == JsonKind::String) out.push_back(text_of(cell));
  }
  return out;
}

// {LIST:[{MEMBER:TEXT}, ...]}
Texts members_of(const std::string& json, std::string_view list, std::string_view name) {
  Texts out;
  model::JsonTree tree;
  if (json.empty() || !tree.parse(json, kAnswerDepth, kAnswerDepth * 4)) return out;
  const JsonValue found = member(tree.root(), list);
  if (!found) return out;
  for (JsonValue one = found.first(); one; one = one.next()) {
    out.push_back(text_of(member(one, name)));
  }
  return out;
}

bool takes_query(std::string_view verb) {
  return verb == "query" || verb == "explain" || verb == "export";
}

bool takes_issues(std::string_view usage) {
  for (const std::string_view word : {"ISSUE", "PRIMARY", "CHILD", "VIEW"}) {
    if (usage.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Completions ReplCompleter::complete(std::string_view text) {
  const size_t first = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::string_view line = text.substr(first);
  if (line.starts_with('\\')) return complete_setting(text);
  const size_t blank = line.find_first_of(kBlanks);
  if (blank == std::string_view::npos) {
    Texts texts = field_names(":");
    for (const verbs::VerbHelp& verb : verbs::verb_table()) texts.emplace_back(verb.name);
    const bool plain = line.find_first_of(":([\"!") == std::string_view::npos;
    return plain ? fitting(first, line, texts) : complete_query(text, first);
  }
  const std::string verb(line.substr(0, blank));
  if (verb == "help" || verbs::find_verb(verb) != nullptr) return complete_verb(verb, text);
  return complete_query(text, first);
}

Completions ReplCompleter::complete_setting(std::string_view text) {
  const size_t begin = word_begin(text);
  const std::string_view word = text.substr(begin);
  const std::string_view name = text.substr(0, text.find_first_of(kBlanks));
  if (name.size() == text.size()) return fitting(begin, word, to_texts(setting_names()));
  if (name == "\\in") return fitting(begin, word, experiments());
  if (name == "\\timing" || name == "\\json") return fitting(begin, word, {"on", "off"});
  if (name != "\\help" && name != "\\?") return {};
  Texts texts = field_names("");
  for (const std::string_view construct : construct_names()) texts.emplace_back(construct);
  for (const verbs::VerbHelp& verb : verbs::verb_table()) texts.emplace_back(verb.name);
  return fitting(begin, word, texts);
}

Completions ReplCompleter::complete_verb(const std::string& verb, std::string_view text) {
  const size_t begin = word_begin(text);
  const std::string_view word = text.substr(begin);
  if (verb == "help") {
    Texts names;
    for (const verbs::VerbHelp& each : verbs::verb_table()) names.emplace_back(each.name);
    return fitting(begin, word, names);
  }
  const size_t before = text.substr(0, begin).find_last_not_of(kBlanks);
  const std::string_view done = before == std::string_view::npos ? "" : text.substr(0, before + 1);
  const std::string_view previous = done.substr(word_begin(done));
  if (previous == "--in") return fitting(begin, word, experiments());
  if (previous == "--sort") return fitting(begin, word, to_texts(kSorts));
  if (word.starts_with('-')) return fitting(begin, word, options_of(verb));
  if (takes_query(verb)) return complete_query(text, verb.size() + 1);
  if (verb == "fields") return fitting(begin, word, field_names(""));
  if (verb == "experiment" && previous == verb) {
    return fitting(begin, word, to_texts(kExperimentActions));
  }
  if (verb == "experiment") return fitting(begin, word, experiments());
  if (verb == "alert" && previous == verb) return fitting(begin, word, to_texts(kAlertActions));
  if (verb == "alert" && previous == "--issue") return fitting(begin, word, issues());
  if (takes_issues(verbs::find_verb(verb)->usage)) return fitting(begin, word, issues());
  return {};
}

// A term of a filter, or a word of a pipeline.
Completions ReplCompleter::complete_query(std::string_view text, size_t begin) {
  const size_t word = std::max(begin, word_begin(text));
  const std::string_view before = text.substr(begin, word - begin);
  if (before.find("| ") != std::string_view::npos) return complete_stage(text, begin, word);
  // Within a list the key stands before its bracket.
  const size_t bracket = text.rfind('[');
  const bool listing = bracket != std::string_view::npos && bracket > begin &&
                       text[bracket - 1] == ':' &&
                       text.find(']', bracket) == std::string_view::npos;
  size_t term = listing ? std::max(begin, word_begin(text.substr(0, bracket))) : word;
  while (term < text.size() && (text[term] == '(' || text[term] == '!')) ++term;
  const std::string_view typed = text.substr(term);
  const size_t colon = typed.find(':');
  if (colon == std::string_view::npos) return fitting(term, typed, field_names(":"));
  const std::string_view field = typed.substr(0, colon);
  size_t value = listing ? text.find_last_of("[,") + 1 : term + colon + 1;
  const std::string_view passed = listing ? " " : "<>=!";
  while (value < text.size() && passed.find(text[value]) != std::string_view::npos) ++value;
  const std::string_view started = text.substr(value);
  if (field == "has") return fitting(value, started, field_names(""));
  if (field == "issue") return fitting(value, started, issues());
  return fitting(value, started, values_of(field));
}

Completions ReplCompleter::complete_stage(std::string_view text, size_t begin, size_t word) {
  const std::string_view typed = text.substr(word);
  const size_t open = typed.find('(');
  if (open != std::string_view::npos) {
    return fitting(word + open + 1, typed.substr(open + 1), field_names(""));
  }
  const std::string_view before = text.substr(begin, word - begin);
  const size_t last = before.find_last_not_of(" \t,");
  const std::string_view done = last == std::string_view::npos ? "" : before.substr(0, last + 1);
  const std::string_view previous = done.substr(word_begin(done));
  if (previous == "sort") return fitting(word, typed, to_texts(kSorts));
  const bool of_fields = before.rfind(" by ") != std::string_view::npos ||
                         previous == "histogram" || before.rfind("top ") != std::string_view::npos;
  Texts texts = to_texts(kStages);
  if (of_fields) {
    for (std::string& name : field_names("")) texts.push_back(std::move(name));
  }
  return fitting(word, typed, texts);
}

// --- what there is ------------------------------------------------------------------------------

Texts ReplCompleter::options_of(const std::string& verb) {
  return remembered("options " + verb, [&] {
    std::string text;
    const std::atomic<bool> never{false};
    backend_.run({"help", verb}, {verbs::string_sink(text), verbs::string_sink(text), {}, never});
    Texts options;
    for (size_t at = text.find("\n  --"); at != std::string::npos;
         at = text.find("\n  --", at + 1)) {
      const size_t end = text.find_first_of(" \n", at + 3);
      options.push_back(text.substr(at + 3, end - at - 3));
    }
    return options;
  });
}

std::string ReplCompleter::ask(Texts words) {
  std::string answer;
  std::string complaint;
  const std::atomic<bool> never{false};
  words.emplace_back("--json");
  const int done =
      backend_.run(words, {verbs::string_sink(answer), verbs::string_sink(complaint), {}, never});
  return done == 0 ? answer : std::string();
}

Texts ReplCompleter::remembered(const std::string& key, const std::function<Texts()>& find) {
  const auto now = std::chrono::steady_clock::now();
  const auto known = values_.find(key);
  if (known != values_.end() && now - known->second.asked < kKept) return known->second.texts;
  Texts texts = find();
  values_[key] = {now, texts};
  return texts;
}

const std::vector<ReplCompleter::Field>& ReplCompleter::fields() {
  const auto now = std::chrono::steady_clock::now();
  if (!fields_.empty() && now - fields_asked_ < kKept) return fields_;
  model::JsonTree tree;
  const std::string json = ask({"fields", session_.store()});
  if (json.empty() || !tree.parse(json, kAnswerDepth, kAnswerDepth * 2)) return fields_;
  fields_.clear();
  fields_asked_ = now;
  const JsonValue list = member(tree.root(), "fields");
  for (JsonValue one = list ? list.first() : JsonValue(); one; one = one.next()) {
    Field field{text_of(member(one, "name")), text_of(member(one, "type")), {}};
    const JsonValue examples = member(one, "examples");
    for (JsonValue text = examples ? examples.first() : JsonValue(); text; text = text.next()) {
      field.examples.push_back(text_of(text));
    }
    fields_.push_back(field);
    const JsonValue aliases = member(one, "aliases");
    for (JsonValue name = aliases ? aliases.first() : JsonValue(); name; name = name.next()) {
      field.name = text_of(name);
      fields_.push_back(field);
    }
  }
  return fields_;
}

Texts ReplCompleter::field_names(std::string_view behind) {
  Texts names;
  for (const Field& field : fields()) names.push_back(field.name + std::string(behind));
  return names;
}

// What the language knows of a field of words; of others the most frequent values.
Texts ReplCompleter::values_of(std::string_view field) {
  const std::string name(field);
  return remembered("values " + name, [&]() -> Texts {
    const auto& all = fields();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Field& each) { return each.name == name; });
    Texts values;
    if (found != all.end() && found->type != "text") {
      values = found->examples;
    } else {
      values = first_cells(ask({"query", session_.store(), "| top 50 " + name, "--timeout", "1s"}));
    }
    for (std::string& value : values) value = quoted_value(value);
    return values;
  });
}

Texts ReplCompleter::issues() {
  return remembered("issues", [&] {
    return members_of(ask({"query", session_.store(), "", "--limit", "200", "--timeout", "1s"}),
                      "issues", "short_id");
  });
}

Texts ReplCompleter::experiments() {
  return remembered("experiments", [&] {
    return members_of(ask({"experiment", session_.store(), "list"}), "experiments", "name");
  });
}

}  // namespace cairn::client
