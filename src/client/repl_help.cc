#include "client/repl_help.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "verbs/verb_table.h"

namespace cairn::client {
namespace {

struct Construct {
  std::string_view name;
  std::string_view summary;
  std::string_view text;  // whole lines, indented
};

// docs/query-language.md has all of it; tests/docs holds every query of that file, and the test of
// this file parses the examples of these.
constexpr std::array kConstructs = std::to_array<Construct>({
    {"terms", "words, phrases and key:value",
     "  timeout                    text in title, subtitle, culprit, message or evidence\n"
     "  \"level: error\"             a phrase with signs of the language in it\n"
     "  level:error                a field or tag with this value\n"
     "  !level:error               any other value\n"
     "  level:[error, fatal]       one of several\n"
     "  browser:\"Chrome 119\"       a value with blanks\n"
     "  has:user                   any value; !has:release none\n"
     "  is:unresolved              issues in a state\n"},
    {"operators", "comparisons, patterns, parts of values",
     "  times_seen:>100            > >= < <=\n"
     "  url:*/cart/*               * stands for anything\n"
     "  url:contains:login         also starts_with: and ends_with:\n"
     "  message://^GET .*//        a regular expression\n"
     "  release.version:>=2.3      by version, not by letter\n"},
    {"boolean", "AND, OR, NOT and parentheses",
     "  level:error environment:production\n"
     "  level:error OR level:fatal\n"
     "  (level:error OR has:user) !is:assigned\n"},
    {"dates", "points in time and ages",
     "  age:-24h                   first seen within 24 hours; units m h d w\n"
     "  timestamp:+3d              at or before three days ago\n"
     "  last_seen:>=2026-11-21T05:27:44Z\n"
     "  timestamp:2026-11-21       that whole day\n"},
    {"numbers", "tags as numbers, with units",
     "  tags[size,number]:>2.5mb   also k m b, 250ms 1.5s 2min, 12%\n"
     "  times_seen:>1k\n"},
    {"pipeline", "what comes after |",
     "  level:error | count() uniq(user) by release every 1h\n"
     "  | top 10 url\n"
     "  | count() by release vs 1w | where count() > 10 | sort -count()\n"
     "  | histogram timestamp 30\n"
     "  is:unresolved | sort freq | fields short_id, title, trend(24h)\n"},
    {"functions", "what a table computes",
     "  | count() uniq(user) issues() rate(1m)\n"
     "  | sum(took) avg(took) min(took) max(took) p95(took)\n"
     "  | percentile(took, 0.999) by release\n"},
    {"keys", "how fields and tags are named",
     "  level:error                a field if there is one of this name, else a tag\n"
     "  tags[level]:x              the tag, also where a field has its name\n"
     "  \"customer tier\":gold      a name with other characters\n"
     "  os.name:Android            contexts of the event; evidence.rows:>1k its evidence\n"},
    {"issues", "who an issue is with, and what it is",
     "  assigned:me                user:7, #3 (a team), my_teams, none\n"
     "  issue.priority:high priority:[high, medium]\n"
     "  issue:SHOP-3K project:shop\n"
     "  merged:true first_release:latest\n"},
    {"rules", "what experiments and sweeps merge by",
     "  merge where level:error by fingerprint[2]\n"
     "  merge by title, culprit\n"
     "  merge SHOP-1 SHOP-2\n"
     "  unmerge where is:resolved\n"},
    {"sorts", "orders of a list of issues",
     "  | sort freq                date, new, freq, user, trends, recommended, priority\n"},
});

constexpr std::string_view kOverview =
    "Type a query and get issues, or a table when it ends in a pipeline:\n"
    "  is:unresolved level:error\n"
    "  level:error | count() uniq(user) by release every 1h\n"
    "A line that begins with a verb is that verb; the store need not be named:\n"
    "  merge SHOP-2 SHOP-3        show SHOP-3            unmerge SHOP-2\n"
    "A command goes on in the next line while a quote or parenthesis is open, and after | or \\;\n"
    "an empty line ends it. Tab completes verbs, options, fields and values. Ctrl-C ends what "
    "runs.\n\n"
    "  \\help VERB|FIELD|TOPIC     a verb, a field or tag of the store, a construct:\n"
    "                             {}\n"
    "  \\as-of TIME|LSN            look at the past; \\as-of now goes back\n"
    "  \\in EXPERIMENT             as an experiment groups; \\in off goes back\n"
    "  \\more                      the next page of the last answer\n"
    "  \\watch SECONDS [TIMES]     the last command again and again\n"
    "  \\timing [on|off]           how long each took\n"
    "  \\json [on|off]             answers as JSON\n"
    "  \\quit                      leave; also Ctrl-D\n";

}  // namespace

std::string repl_overview() {
  return fmt::format(fmt::runtime(kOverview), fmt::join(construct_names(), ", "));
}

std::optional<std::string> construct_help(std::string_view name) {
  const auto* found =
      std::find_if(kConstructs.begin(), kConstructs.end(),
                   [&](const Construct& construct) { return construct.name == name; });
  if (found == kConstructs.end()) return std::nullopt;
  return fmt::format("{}: {}\n{}", found->name, found->summary, found->text);
}

std::vector<std::string_view> construct_names() {
  std::vector<std::string_view> names;
  for (const Construct& construct : kConstructs) names.push_back(construct.name);
  return names;
}

}  // namespace cairn::client
