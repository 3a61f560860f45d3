// Every example in the pages about queries, asked of docs/examples/shop.jsonl, and that nothing the
// language has is without one. A block marked `query` holds examples, one a line:
//
//   QUERY => what it gives: short ids of issues (`SHOP-1, SHOP-2`), rows of a table (`error 3;
//   fatal 1`), `nothing`, or `error POSITION: MESSAGE`, which may end in "..."
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <sstream>

#include "client/importer.h"
#include "engine/store.h"
#include "query/field_catalogue.h"
#include "query/group_binder.h"
#include "query/parser.h"
#include "query/search.h"
#include "support/document.h"
#include "support/ebnf.h"
#include "support/shop.h"
#include "support/temp_dir.h"
#include "verbs/line_source.h"
#include "verbs/output.h"

namespace cairn::testing {
namespace {

constexpr const char* kNow = "2026-11-21T12:00:00Z";

// The store of the examples, as the page says to make it.
class ExampleStore {
 public:
  ExampleStore() : clock_(Shop::at(kNow)) {
    engine::StoreOptions options;
    options.clock = &clock_;
    store_ = must(engine::Store::open(directory_ / "store", options));
    const auto path =
        (std::filesystem::path(__FILE__).parent_path() / "../../docs/examples/shop.jsonl").string();
    client::StoreSink sink(*store_);
    client::ImportInput input{
        path, [path](client::WaitHooks hooks) { return verbs::open_lines(path, hooks); }, {}};
    client::ImportOptions how;
    how.by_time = true;
    how.on_refusal = [](const client::Refusal& refusal) -> Result<void> {
      FAIL("shop.jsonl, line " << refusal.line << ": " << refusal.error.message);
      return {};
    };
    const auto summary = client::import_messages(sink, {std::move(input)}, how);
    REQUIRE_FALSE(summary.failure);
    model::ChangeProjectCommand project;
    project.project = ProjectId{1};
    project.slug = "shop";
    must(store_->execute(project, {}));
  }

  std::string answer(const std::string& text) const {
    const auto parsed = query::parse(text);
    if (!parsed.ok()) return told(parsed.error());
    const auto snapshot = must(store_->snapshot());
    query::SearchOptions options;
    options.now = Shop::at(kNow);
    options.viewer = {"7", {"3"}};
    if (query::is_aggregate(*parsed)) {
      const auto table = snapshot->aggregate(text, options);
      return table.ok() ? rows(*table) : told(table.error());
    }
    const auto page = snapshot->search(text, options);
    if (!page.ok()) return told(page.error());
    std::string ids;
    for (const auto& row : page->issues) {
      ids += (ids.empty() ? "" : ", ") + snapshot->state().short_id(row.id);
    }
    return ids.empty() ? "nothing" : ids;
  }

 private:
  static std::string told(const Error& error) {
    return fmt::format("error {}: {}", error.position.value_or(0), error.message);
  }

  static std::string rows(const query::Table& table) {
    std::string text;
    for (const auto& row : table.rows) {
      if (!text.empty()) text += "; ";
      std::string line;
      for (const auto& cell : row) {
        const std::string shown = verbs::cell_text(cell);
        line += (line.empty() ? "" : " ") + (shown.empty() ? "-" : shown);
      }
      text += line;
    }
    return text.empty() ? "nothing" : text;
  }

  TempDir directory_;
  ManualClock clock_;
  std::unique_ptr<engine::Store> store_;
};  // namespace

struct Example {
  int line = 0;
  std::string query;
  std::string answer;
};

std::vector<Example> examples_of(const Document& page) {
  std::vector<Example> examples;
  for (const Block& block : page.blocks()) {
    if (block.kind != "query") continue;
    std::istringstream lines(block.text);
    std::string line;
    for (int number = block.line; std::getline(lines, line); ++number) {
      const size_t arrow = line.rfind(" => ");
      INFO("line " << number << " has no answer: " << line);
      REQUIRE(arrow != std::string::npos);
      const size_t end = line.find_last_not_of(' ', arrow);
      examples.push_back({number, end == std::string::npos ? "" : line.substr(0, end + 1),
                          line.substr(arrow + 4)});
    }
  }
  return examples;
}

bool is_answer(const std::string& answer, const std::string& written) {
  if (!written.ends_with("...")) return answer == written;
  return answer.starts_with(written.substr(0, written.size() - 3));
}

// Names that a query uses, by kind.
class Names {
 public:
  void add(const query::Query& query) {
    if (query.filter) add(*query.filter);
    for (const query::Stage& stage : query.stages) {
      std::visit([this](const auto& what) { add(what); }, stage);
    }
  }

  std::set<std::string> fields, functions, sorts, states;

 private:
  void add(const query::Node& node) {
    if (const auto* filter = std::get_if<query::Filter>(&node.what)) {
      add(filter->key);
      if (filter->key.name == "is") states.insert(filter->values.front().text);
    } else if (const auto* all = std::get_if<query::And>(&node.what)) {
      for (const auto& term : all->terms) add(term);
    } else if (const auto* any = std::get_if<query::Or>(&node.what)) {
      for (const auto& term : any->terms) add(term);
    } else if (const auto* negation = std::get_if<query::Not>(&node.what)) {
      add(*negation->term);
    }
  }
  void add(const query::Key& key) {
    if (key.form == query::KeyForm::Plain) fields.insert(key.name);
  }
  void add(const query::Call& call) {
    functions.insert(call.function);
    for (const auto& key : call.arguments) add(key);
  }
  void add(const query::AggregateStage& stage) {
    for (const auto& call : stage.calls) add(call);
    for (const auto& key : stage.by) add(key);
  }
  void add(const query::SortStage& stage) { sorts.insert(query::column_name(stage.key)); }
  template <class Other>
  void add(const Other&) {}
};

// "... Known are a, b and c."
std::vector<std::string> known_in(const std::string& message) {
  constexpr std::string_view kBegin = "Known are ";
  const size_t begin = message.find(kBegin);
  REQUIRE(begin != std::string::npos);
  std::vector<std::string> names;
  std::string name;
  std::istringstream words(message.substr(begin + kBegin.size()));
  while (words >> name) {
    const bool last = name.ends_with('.');
    if (name.ends_with(',') || last) name.pop_back();
    if (name != "and") names.push_back(name);
    if (last) break;
  }
  return names;
}

void check_known(const ExampleStore& store, const std::string& wrong, const std::string& kind,
                 const std::set<std::string>& shown) {
  for (const std::string& name : known_in(store.answer(wrong))) {
    INFO("no example in docs/query-language.md shows the " << kind << " " << name);
    CHECK(shown.contains(name));
  }
}

void check_examples(const ExampleStore& store, const std::string& page) {
  const Document read(page);
  const auto examples = examples_of(read);
  CHECK(examples.size() >= 30);
  for (const Example& example : examples) {
    INFO("docs/" << page << ", line " << example.line << ": " << example.query);
    const std::string answer = store.answer(example.query);
    INFO("answer: " << answer);
    CHECK(is_answer(answer, example.answer));
  }
}

TEST_CASE("the examples of the documentation give what it says") {
  const ExampleStore store;
  check_examples(store, "query-language.md");
  check_examples(store, "sentry-search.md");
}

TEST_CASE("everything in the grammar and the catalogue has an example") {
  Ebnf grammar;
  const Document page("query-language.md");
  for (const Block& block : page.blocks()) {
    if (block.kind == "ebnf" || block.kind == "ebnf spaced") {
      REQUIRE(grammar.add(block.text, block.kind == "ebnf spaced") == "");
    }
  }
  REQUIRE(grammar.finish("query") == "");
  Names names;
  for (const Example& example : examples_of(page)) {
    const auto parsed = query::parse(example.query);
    if (!parsed.ok() || !grammar.use(example.query)) continue;
    names.add(*parsed);
  }
  for (const std::string& choice : grammar.unused()) {
    FAIL_CHECK(
        "no example in docs/query-language.md takes this way through the grammar: " << choice);
  }
  for (const query::FieldName& field : query::field_names()) {
    INFO("no example in docs/query-language.md asks for the field " << field.name);
    CHECK(names.fields.contains(std::string(field.name)));
  }
  for (const std::string_view word : query::words_of_is()) {
    INFO("no example in docs/query-language.md shows is:" << word);
    CHECK(names.states.contains(std::string(word)));
  }
  const ExampleStore store;
  check_known(store, "| nonesuch()", "function", names.functions);
  check_known(store, "| sort nonesuch", "sort", names.sorts);
}

TEST_CASE("what tables of the documentation show as queries are queries") {
  const ExampleStore store;
  int checked = 0;
  const Document page("query-language.md");
  for (const TableCode& code : page.table_codes()) {
    INFO("docs/query-language.md, line " << code.line << ": " << code.text);
    const auto wrong = [&](const std::string& text) {
      return store.answer(text).starts_with("error ");
    };
    if (code.header == "write") {
      CHECK_FALSE(wrong(code.text));
    } else if (code.header == "stage") {
      CHECK_FALSE((wrong("| " + code.text) && wrong("| count() | " + code.text) &&
                   wrong("timestamp:-24h | " + code.text)));
    } else if (code.header == "query") {
      CHECK(wrong(code.text));
    } else {
      continue;
    }
    ++checked;
  }
  CHECK(checked > 60);
}

}  // namespace
}  // namespace cairn::testing
