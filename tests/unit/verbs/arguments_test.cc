// Command lines become values, or advice with the right exit code behind it.
#include "verbs/arguments.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/time_format.h"
#include "verbs/verb_table.h"

using namespace cairn;
using namespace cairn::verbs;

namespace {

using Words = std::vector<std::string>;

template <class Verb>
Verb parsed(const Words& words) {
  const auto result = parse_arguments(words);
  if (const auto* advice = std::get_if<Advice>(&result)) FAIL(advice->text);
  const auto* verb = std::get_if<Verb>(&std::get<Invocation>(result).verb);
  REQUIRE(verb != nullptr);
  return *verb;
}

Advice advised(const Words& words) {
  const auto result = parse_arguments(words);
  const auto* advice = std::get_if<Advice>(&result);
  REQUIRE(advice != nullptr);
  return *advice;
}

}  // namespace

TEST_CASE("import: files, stdin and options in any order") {
  const auto values = parsed<ImportArguments>(
      {"import", "s", "a.gz", "--by-time", "-", "--rejects", "r.jsonl", "--quiet"});
  CHECK(values.store == "s");
  CHECK(values.files == Words{"a.gz", "-"});
  CHECK(values.by_time);
  CHECK(values.quiet);
  CHECK(!values.must_exist);
  CHECK(values.rejects == "r.jsonl");
  CHECK(values.actor.empty());
}

TEST_CASE("query: words are joined, moments are times or record numbers") {
  auto values = parsed<QueryArguments>({"query", "s", "is:unresolved", "level:[error, fatal]",
                                        "--limit", "7", "--sort", "freq", "--as-of", "120"});
  CHECK(values.query == "is:unresolved level:[error, fatal]");
  CHECK(values.limit == std::optional<uint32_t>(7));
  CHECK(values.sort == std::optional(query::Sort::Freq));
  REQUIRE(values.moment.as_of);
  CHECK(values.moment.as_of->lsn == std::optional(Lsn{120}));
  values = parsed<QueryArguments>(
      {"query", "s", "--as-of", "2026-10-01", "--now", "@1790000000.5", "--at-least", "9"});
  CHECK(values.query.empty());
  CHECK(values.moment.as_of->time == parse_time("2026-10-01"));
  CHECK(values.moment.now == std::optional(TimeUs{1790000000500000}));
  CHECK(values.moment.at_least == std::optional(Lsn{9}));
}

TEST_CASE("workflow verbs") {
  const auto merge = parsed<MergeArguments>(
      {"merge", "s", "A-1", "A-2", "fingerprint:f", "--actor", "ada", "--key", "k"});
  CHECK(merge.references == Words{"A-1", "A-2", "fingerprint:f"});
  CHECK(merge.writer.actor == "ada");
  CHECK(merge.writer.key == "k");
  const auto unmerge = parsed<UnmergeArguments>({"unmerge", "s", "A-1"});
  CHECK(unmerge.view == "A-1");
  CHECK(unmerge.children.empty());
  CHECK(parsed<StatusArguments>({"resolve", "s", "A-1"}).status == model::Status::Resolved);
  const auto archive = parsed<StatusArguments>({"archive", "s", "A-1", "A-2", "--forever"});
  CHECK(archive.status == model::Status::Ignored);
  CHECK(archive.substatus == model::Substatus::Forever);
  CHECK(parsed<StatusArguments>({"archive", "s", "A-1"}).substatus == model::Substatus::None);
  CHECK(parsed<AssignArguments>({"assign", "s", "A-1", "none"}).assignee.empty());
}

TEST_CASE("registries") {
  CHECK(!parsed<ProjectsArguments>({"projects", "s"}).set);
  const auto set = parsed<ProjectsArguments>(
      {"projects", "s", "set", "7", "--slug", "shop", "--policy", "known"});
  CHECK(set.set);
  CHECK(set.project == ProjectId{7});
  CHECK(set.slug == std::optional<std::string>("shop"));
  CHECK(set.policy == std::optional(model::FingerprintPolicy::Known));
  const auto strict = parsed<TypesArguments>({"types", "s", "strict", "on"});
  CHECK(strict.action == TypesArguments::Action::Strict);
  CHECK(strict.strict);
  const auto type = parsed<TypesArguments>({"types", "s", "set", "9001", "--priority", "low"});
  CHECK(type.type == 9001);
  CHECK(type.priority == std::optional<uint8_t>(25));
}

TEST_CASE("counts may have a unit") {
  CHECK(parsed<GenerateArguments>({"generate", "--occurrences", "10M"}).options.occurrences ==
        10'000'000);
  CHECK(parsed<GenerateArguments>({"generate", "--occurrences", "200k", "--users", "7"})
            .options.users == 7);
  const auto bench = parsed<BenchArguments>(
      {"bench", "--scale", "100m", "--only", "import,queries", "--store", "s", "--keep"});
  CHECK(bench.scale == 100'000'000);
  CHECK(bench.only == Words{"import", "queries"});
  CHECK(bench.keep);
  CHECK(parsed<LogArguments>({"log", "s", "--limit", "5", "--from", "9"}).from == Lsn{9});
}

TEST_CASE("wrong command lines say what is wrong") {
  const Words wrong[] = {
      {"import"},
      {"import", "s"},
      {"query", "s", "--limit", "0"},
      {"query", "s", "--limit", "10001"},
      {"query", "s", "--limit", "many"},
      {"query", "s", "--sort", "size"},
      {"query", "s", "--now", "soon"},
      {"query", "s", "--nonsense"},
      {"archive", "s", "A-1", "--forever", "--until-escalating"},
      {"projects", "s", "set"},
      {"projects", "s", "set", "seven", "--slug", "x"},
      {"projects", "s", "set", "7"},
      {"projects", "s", "drop"},
      {"types", "s", "strict", "maybe"},
      {"types", "s", "set", "5000000000"},
      {"generate"},
      {"generate", "--occurrences", "-5"},
      {"generate", "--occurrences", "5x"},
      {"generate", "--occurrences", "99999999999G"},
      {"generate", "--occurrences", "5", "--users", "0"},
      {"generate", "--occurrences", "5", "--urls", "-1"},
      {"bench", "--scale", "10"},
      {"bench", "--only", "nothing"},
      {"bench", "--keep"},
      {"query", "s", "--at-least", "-1"},
      {"log", "s", "--from", "-1"},
      {"log", "s", "--limit", "-1"},
      {"help", "nonsense"},
  };
  for (const auto& words : wrong) {
    const Advice advice = advised(words);
    INFO(words[0] << " ... " << words.back());
    CHECK(!advice.ok);
    CHECK(advice.text.find("cairn") != std::string::npos);
  }
  CHECK(advised({"query", "s", "--sort", "size"}).text.find("freq") != std::string::npos);
  CHECK(advised({"qurey", "s"}).text.find("`cairn query`") != std::string::npos);
  CHECK(!advised({}).ok);
  CHECK(advised({"query", "--json"}).json);
}

TEST_CASE("every verb has help with an example and parses its own name") {
  for (const VerbHelp& verb : verb_table()) {
    const std::string name(verb.name);
    const Advice help = advised({"help", name});
    CHECK(help.ok);
    CHECK(help.text.find("Examples:") != std::string::npos);
    CHECK(help.text == advised({name, "--help"}).text);
    CHECK(help.text == advised({name, "-h"}).text);
    CHECK(verb.examples.find("cairn " + name) != std::string::npos);
  }
  CHECK(advised({"--version"}).ok);
  CHECK(advised({"--help"}).text == overview());
}

TEST_CASE("events and tags") {
  const auto events =
      parsed<EventsArguments>({"events", "s", "A-1", "--query", "level:error os:x", "--alone",
                               "--limit", "7", "--cursor", "c", "--as-of", "9"});
  CHECK(events.issue == "A-1");
  CHECK(events.query == "level:error os:x");
  CHECK(events.alone);
  CHECK(events.limit == 7);
  CHECK(events.cursor == "c");
  CHECK(events.moment.as_of->lsn == std::optional(Lsn{9}));
  // That of the cursor's list, or the default.
  CHECK_FALSE(parsed<EventsArguments>({"events", "s", "A-1"}).limit.has_value());
  const auto tags = parsed<TagsArguments>({"tags", "s", "A-1", "os", "--limit", "3"});
  CHECK(tags.key == "os");
  CHECK(tags.limit == std::optional<uint32_t>(3));
  CHECK(parsed<TagsArguments>({"tags", "s", "A-1"}).key.empty());
  for (const char* limit : {"0", "-1", "10001", "x"}) {
    CHECK_FALSE(advised({"events", "s", "A-1", "--limit", limit}).ok);
    CHECK_FALSE(advised({"tags", "s", "A-1", "--limit", limit}).ok);
  }
  CHECK_FALSE(advised({"events", "s"}).ok);
}

// An empty one would mean the first page: a loop over pages would never end.
TEST_CASE("a cursor is never empty") {
  for (const char* verb : {"query", "explain", "events"}) {
    const Advice advice = advised({verb, "s", "A-1", "--cursor", ""});
    CHECK_FALSE(advice.ok);
    CHECK(advice.text.find("--cursor: is empty") != std::string::npos);
  }
}

TEST_CASE("merge: pairs of a file, or issues") {
  auto pairs = parsed<MergePairsArguments>({"merge", "s", "--pairs", "-", "--actor", "ada"});
  CHECK(pairs.store == "s");
  CHECK(pairs.pairs == "-");
  CHECK(pairs.project.empty());
  CHECK(pairs.child_column == "child");
  CHECK_FALSE(pairs.columns_named);
  CHECK(pairs.writer.actor == "ada");
  pairs = parsed<MergePairsArguments>({"merge", "s", "--pairs", "g.csv", "--project", "7",
                                       "--columns", "issue_id,master_id", "--rejects", "r"});
  CHECK(pairs.project == "7");
  CHECK(pairs.child_column == "issue_id");
  CHECK(pairs.primary_column == "master_id");
  CHECK(pairs.columns_named);
  CHECK(pairs.rejects == "r");
  for (const Words& words : {Words{"merge", "s"}, Words{"merge", "s", "A-1", "--pairs", "f"},
                             Words{"merge", "s", "--pairs", "f", "--new", "T"},
                             Words{"merge", "s", "A-1", "A-2", "--project", "7"},
                             Words{"merge", "s", "--pairs", "f", "--columns", "one"},
                             Words{"merge", "s", "--pairs", "f", "--columns", "a,a"}}) {
    CHECK_FALSE(advised(words).ok);
  }
}

TEST_CASE("numbers: what is no number from here to there is told, not wrapped around") {
  for (const char* number :
       {"-1", "-18446744073709551615", "18446744073709551616", "1.5", "0x10"}) {
    for (const Words& words : {
             Words{"query", "s", "--limit"},
             Words{"query", "s", "--at-least"},
             Words{"log", "s", "--from"},
             Words{"unmerge", "s", "A-1", "--last"},
             Words{"retain", "s", "--max-occurrences"},
             Words{"types", "s", "set", "1", "--category"},
             Words{"demo", "--seed"},
             Words{"demo", "--occurrences"},
             Words{"generate", "--occurrences"},
         }) {
      Words all = words;
      all.emplace_back(number);
      INFO(fmt::format("{}", fmt::join(all, " ")));
      CHECK_FALSE(advised(all).ok);
    }
  }
  CHECK_FALSE(advised({"types", "s", "set", "1", "--category", "65536"}).ok);
  CHECK(parsed<QueryArguments>({"query", "s", "--limit", "010"}).limit == 10u);
  CHECK(parsed<UnmergeArguments>({"unmerge", "s", "A-1", "--last"}).nth_last == 1);
  CHECK(parsed<UnmergeArguments>({"unmerge", "s", "A-1", "--last", "3"}).nth_last == 3);
  CHECK(
      parsed<RetainArguments>({"retain", "s", "--max-occurrences", "50M"}).policy.max_occurrences ==
      std::optional<uint64_t>(50'000'000));
}

TEST_CASE("query and explain: budgets have defaults and units, 0 is none") {
  auto values = parsed<QueryArguments>({"query", "s", "level:error"});
  CHECK(values.budget.time_us == 60 * kMicrosPerSecond);
  CHECK(values.budget.memory_bytes == 1u << 30);
  CHECK(values.budget.rows_examined == 0);
  CHECK_FALSE(values.profile);
  values = parsed<QueryArguments>({"query", "s", "x", "--timeout", "500ms", "--max-memory", "256m",
                                   "--max-examined", "10M", "--max-rows", "100", "--profile"});
  CHECK(values.budget.time_us == 500'000);
  CHECK(values.budget.memory_bytes == 256u << 20);
  CHECK(values.budget.rows_examined == 10'000'000);
  CHECK(values.budget.rows_returned == 100);
  CHECK(values.profile);
  const auto explained = parsed<ExplainArguments>(
      {"explain", "s", "a:1", "| count()", "--timeout", "0", "--max-memory", "0", "--in", "e"});
  CHECK(explained.query.query == "a:1 | count()");
  CHECK(explained.query.moment.experiment == "e");
  CHECK(explained.query.budget.time_us == 0);
  CHECK(explained.query.budget.memory_bytes == 0);
  for (const char* wrong : {"5", "-1s", "s", "5 s", "1.5s", "99999999999999999999s", "5d"}) {
    CHECK_FALSE(advised({"query", "s", "--timeout", wrong}).ok);
  }
  for (const char* wrong : {"x", "256mb", "-1", "1.5g", "99999999999999999999"}) {
    CHECK_FALSE(advised({"query", "s", "--max-memory", wrong}).ok);
  }
}

TEST_CASE("alert: the store first, or check and test as words of their own") {
  using Action = AlertArguments::Action;
  CHECK(parsed<AlertCheckArguments>({"alert", "check", "a", "-"}).files == Words{"a", "-"});
  for (const Words& words : {Words{"alert", "test", "s", "r", "--limit", "3"},
                             Words{"alert", "s", "test", "r", "--limit", "3"}}) {
    const auto test = parsed<AlertTestArguments>(words);
    CHECK(test.store == "s");
    CHECK(test.rule == "r");
    CHECK(test.limit == 3);
  }
  const auto added = parsed<AlertArguments>({"alert", "s", "add", "a", "b", "--actor", "ada"});
  CHECK(added.action == Action::Add);
  CHECK(added.files == Words{"a", "b"});
  CHECK(added.writer.actor == "ada");
  const auto comment = parsed<AlertArguments>({"alert", "s", "comment", "7", "so", "it", "is"});
  CHECK(comment.action == Action::Comment);
  CHECK(comment.incident == 7);
  CHECK(comment.text == "so it is");
  const auto explained = parsed<AlertArguments>(
      {"alert", "s", "explain", "Many errors", "--at", "2026-10-01", "--of", "x"});
  CHECK(explained.rule == "Many errors");
  CHECK(explained.at == parse_time("2026-10-01"));
  CHECK(explained.key == "x");
  CHECK(parsed<AlertArguments>({"alert", "./test", "list"}).store == "./test");
  for (const Words& words :
       {Words{"alert", "s"}, Words{"alert", "test", "s"}, Words{"alert", "check"},
        Words{"alert", "s", "paint", "1"}, Words{"alert", "s", "show"},
        Words{"alert", "s", "show", "1", "2"}, Words{"alert", "s", "ack", "0"},
        Words{"alert", "s", "ack", "one"}, Words{"alert", "s", "comment", "1"},
        Words{"alert", "s", "change", "1"}, Words{"alert", "s", "list", "--at", "2026-10-01"},
        Words{"alert", "s", "pause", "1", "--as-of", "3"},
        Words{"alert", "s", "tick", "--key", "k"}, Words{"alert", "check", "a", "--key", "k"}}) {
    INFO(fmt::format("{}", fmt::join(words, " ")));
    CHECK(!advised(words).ok);
  }
  CHECK(advised({"alert", "s", "list", "--rule", "1"}).text.find("but for incidents") !=
        std::string::npos);
}
