#include "verbs/verb_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace cairn::verbs {
namespace {

constexpr std::array kVerbs = {
    VerbHelp{"demo", "[--occurrences N] [--seed S] [--keep DIR]",
             "a guided tour on generated data, no input needed", "",
             "  cairn demo\n"
             "  cairn demo --keep /tmp/tour     # leaves the store there to play with\n"},
    VerbHelp{"init", "STORE", "make a store (import makes one too)", "",
             "  cairn init shop.cairn\n"},
    VerbHelp{
        "import", "STORE FILE...|-", "read JSON Lines into a store",
        "Files are plain, gzip or zstd, told by their first bytes; - is stdin. Lines are\n"
        "occurrences, status changes and workflow operations, mixed as they come. Known\n"
        "occurrences are skipped, so an import may be repeated or resumed at any time.\n"
        "Refused lines end the import with exit code 3; with --rejects they go to a file\n"
        "that can be imported again once the reason is gone.",
        "  cairn import shop.cairn monday.jsonl.gz tuesday.jsonl.zst\n"
        "  tail -f app.jsonl | cairn import shop.cairn -\n"
        "  cairn import history.cairn hive.occurrences.jsonl.gz hive.ops.jsonl.gz --by-time\n"},
    VerbHelp{"query", "STORE [QUERY]", "search issues, or aggregate their occurrences",
             "A search ends in a table of issues, a query with `| count() ...`, `| top ...`,\n"
             "`| histogram ...` or `| fields ...` in a table of values.\n"
             "docs/query-language.md has the whole language.",
             "  cairn query shop.cairn 'is:unresolved level:[error, fatal] timeout'\n"
             "  cairn query shop.cairn 'is:unresolved age:-24h' --sort freq --limit 10\n"
             "  cairn query shop.cairn 'level:error | count() by release every 1h' --json\n"
             "  cairn query shop.cairn 'timestamp:-24h | count() uniq(user) by release vs 1w'\n"
             "  cairn query shop.cairn '| sort freq | fields short_id, title, trend(24h)'\n"
             "  cairn query shop.cairn is:unresolved --as-of 2026-10-01\n"},
    VerbHelp{"repl", "STORE [-c COMMAND]", "ask and change a store, line by line",
             "A line is a query, or a verb without its STORE. Tab completes verbs, fields and\n"
             "values; \\help tells the rest. Without a terminal lines are read from stdin: the\n"
             "first that fails ends it with its exit code. -c COMMAND runs that alone.",
             "  cairn repl shop.cairn\n"
             "  cairn repl shop.cairn -c is:unresolved -c 'merge SHOP-2 SHOP-3'\n"
             "  echo 'level:error | count() by release' | cairn repl shop.cairn\n"},
    VerbHelp{"explain", "STORE [QUERY]", "how a query is answered, and what that costs",
             "Answers it and shows the plan instead: for each condition how many occurrences\n"
             "were expected and found, how long it took, and which way was taken, over all\n"
             "parts of the index; --json has them part by part. What to make of it is said in\n"
             "docs/performance.md.",
             "  cairn explain shop.cairn 'level:error !browser:\"Chrome 1*\" timeout'\n"
             "  cairn explain shop.cairn 'level:error | count() by release' --json\n"},
    VerbHelp{"fields", "STORE [NAME]", "what queries can be written with: fields and tags",
             "With NAME that one alone, and the operators it takes. VALUES are distinct ones in\n"
             "the store, EXAMPLES those that came first.",
             "  cairn fields shop.cairn\n"
             "  cairn fields shop.cairn release.version\n"
             "  cairn fields shop.cairn --json | jq -r '.fields[].name'\n"},
    VerbHelp{"export", "STORE [QUERY]", "write occurrences back out as JSON Lines",
             "Each line is the occurrence in the wire form with _issue (short id of the\n"
             "visible issue), _leaf (of its own group) and _lsn added.",
             "  cairn export shop.cairn 'issue:SHOP-3K' > checkout.jsonl\n"},
    VerbHelp{"show", "STORE ISSUE", "one issue: state, merged issues, tags, history",
             "ISSUE is a short id. A hidden group is shown with its own state and the issue\n"
             "that shows it; --alone leaves out what is merged into ISSUE.",
             "  cairn show shop.cairn SHOP-3K\n"},
    VerbHelp{"history", "STORE ISSUE", "all that happened to an issue, before and after",
             "Records of the issue itself, and of the issues that showed it while they did.",
             "  cairn history shop.cairn SHOP-3K\n"
             "  cairn history shop.cairn SHOP-3K --limit 10 --as-of 2026-07-01\n"},
    VerbHelp{"events", "STORE ISSUE [--query QUERY]", "the occurrences of an issue, newest first",
             "Those of everything merged into ISSUE too, unless --alone. Of a hidden group its\n"
             "own. With --json each has the form that export writes.",
             "  cairn events shop.cairn SHOP-3K\n"
             "  cairn events shop.cairn SHOP-3K --query 'level:fatal release:2.*' --limit 100\n"
             "  cairn events shop.cairn SHOP-3K --json | jq '.events[].event.user'\n"},
    VerbHelp{"tags", "STORE ISSUE [KEY]", "what the occurrences of an issue have in common",
             "Every tag and the fields people take for tags, with the most frequent values;\n"
             "with KEY the values of that one and when they were seen. Counts are exact,\n"
             "shares are of all occurrences asked. KEY may be any field of an occurrence.",
             "  cairn tags shop.cairn SHOP-3K\n"
             "  cairn tags shop.cairn SHOP-3K release --limit 100\n"
             "  cairn tags shop.cairn SHOP-3K browser --query environment:production\n"},
    VerbHelp{"diff", "STORE FROM [TO]", "what changed between two moments",
             "A moment is a time or a record number; without TO it is now. New issues, merged\n"
             "and unmerged ones, and what changed of status, assignee, priority, title and\n"
             "number of events.",
             "  cairn diff shop.cairn 2026-07-01\n"
             "  cairn diff shop.cairn 50003 50010 --json\n"},
    VerbHelp{"merge", "STORE PRIMARY CHILD... | --new TITLE CHILD... | --pairs FILE",
             "show several issues as one",
             "Nothing is rewritten and unmerge gives back exactly what was there. An argument\n"
             "is a short id, or fingerprint:F (in one project: PROJECT:fingerprint:F) for all\n"
             "issues with an occurrence that lists F on any level, the oldest first. With\n"
             "--new they are shown by a new issue that has a short id and state of its own.\n"
             "\n"
             "--pairs reads a pair a line, CSV (child,primary, or with a header) or JSON\n"
             "Lines, plain, gzip or zstd, and merges the issue that shows the child into the\n"
             "one that shows the primary: any number of pairs, in seconds. Refused lines end\n"
             "it with exit code 3; with --rejects they go to a file that --pairs takes again.",
             "  cairn merge shop.cairn SHOP-3K SHOP-3M SHOP-41\n"
             "  cairn merge shop.cairn --new 'Checkout is down' SHOP-3K SHOP-41\n"
             "  cairn merge shop.cairn shop:fingerprint:5ab02a3b7f1c3b3a1f6e6e3b7d1c9f00\n"
             "  cairn merge shop.cairn --pairs duplicates.csv\n"
             "  cairn merge bugs.cairn --pairs graph.csv.gz --project firefox \\\n"
             "      --columns issue_id,master_id --rejects unknown.jsonl\n"},
    VerbHelp{"unmerge", "STORE VIEW [CHILD...]", "take merged issues apart again",
             "Without CHILD everything that was merged into VIEW; with --last what the last\n"
             "merge (or the Nth last) that is not undone brought.",
             "  cairn unmerge shop.cairn SHOP-3K\n"
             "  cairn unmerge shop.cairn SHOP-3K --last 2\n"
             "  cairn unmerge shop.cairn SHOP-3K SHOP-41\n"},
    VerbHelp{"split", "STORE ISSUE --fingerprint F... | STORE PART --undo",
             "make fingerprints an issue of their own",
             "The new issue has the status and assignee that ISSUE has now, and what is found\n"
             "of these fingerprints later is its. --undo gives back all it has by then.",
             "  cairn split shop.cairn SHOP-3K --fingerprint 5ab02a3b7f1c3b3a1f6e6e3b7d1c9f00\n"
             "  cairn split shop.cairn SHOP-7Q --undo\n"},
    VerbHelp{
        "experiment", "STORE new|add|list|compare|promote|drop [NAME] ...",
        "try another grouping beside the one in use",
        "new NAME [--at LSN]       begin one; its rules see the store as of that record\n"
        "add NAME RULE             a step more: what the rule finds, once and for all\n"
        "add NAME --pairs FILE     the same of a file: CHILD,PRIMARY a line\n"
        "list                      all of them and their steps\n"
        "compare NAME [OTHER]      against the base or OTHER; --labels FILE measures both\n"
        "promote NAME [--rebase]   merge and unmerge for real what it shows\n"
        "drop NAME                 forget it\n"
        "query, export and show take --in NAME. A rule is one of\n"
        "  merge where QUERY by KEY, ... [into QUERY]    merge by KEY\n"
        "  merge ISSUE ISSUE...    unmerge where QUERY    unmerge ISSUE [ISSUE...]\n"
        "KEY: fingerprint[2], title, culprit, type, level, a field or a tag.",
        "  cairn experiment shop.cairn new coarse\n"
        "  cairn experiment shop.cairn add coarse 'merge where level:error by fingerprint[2]'\n"
        "  cairn query shop.cairn is:unresolved --in coarse --sort freq\n"
        "  cairn experiment shop.cairn compare coarse --labels truth.csv\n"
        "  cairn experiment shop.cairn promote coarse\n"},
    VerbHelp{
        "sweep", "STORE RULE [--dry-run] [--limit N] [--every TIME] | STORE --undo LSN",
        "merge by a rule, by hand or again and again",
        "The rules of `experiment`, on the live store: all a run does is one record, and\n"
        "--undo takes back what still stands of it. A run that would merge more than\n"
        "--limit issues does nothing. `into QUERY` says which issues may show others.",
        "  cairn sweep shop.cairn 'merge where times_seen:<10 by culprit into times_seen:>=10'\n"
        "  cairn sweep shop.cairn 'merge by fingerprint[2]' --dry-run\n"
        "  cairn sweep shop.cairn --undo 120034\n"
        "  cairn sweep shop.cairn 'merge by title' --every 1h\n"},
    VerbHelp{"alert", "STORE list|add|show|incidents|explain ... | test STORE FILE | check FILE...",
             "rules of alerts, their incidents, and why",
             "What can be done with a STORE:\n"
             "  add FILE...        rules as JSON: an object, an array, one a line; - is stdin\n"
             "  list, show RULE    what they count, what they say now\n"
             "  change RULE FILE   all of it anew; incidents close if it means something else\n"
             "  pause, resume, remove RULE\n"
             "  incidents          the newest first; --open, --rule RULE\n"
             "  incident N         its steps and comments\n"
             "  ack N, comment N TEXT, close N\n"
             "  explain RULE       why it alerted or not: --at TIME, --of VALUE, --issue ISSUE\n"
             "  test RULE|FILE     replays the history against it: --last 7d, --from, --to\n"
             "  tick               evaluates what is due; stats: figures of the evaluation\n"
             "RULE is its number, or a name that one rule alone has. `alert test STORE ...`\n"
             "is the same as `alert STORE test ...`; `alert check FILE...`, which says what is\n"
             "wrong with rules or what they mean, has no store. A store called test or check\n"
             "is ./test, ./check.\n"
             "docs/alerts.md has the form of rules and all the rest.",
             "  cairn alert check rules.json\n"
             "  cairn alert test shop.cairn errors.json --last 7d\n"
             "  cairn alert shop.cairn add rules.json\n"
             "  cairn alert shop.cairn incidents --open\n"
             "  cairn alert shop.cairn explain 3 --at 2026-10-01T12:00:00Z\n"},
    VerbHelp{"digest", "STORE [--last TIME | --from TIME --to TIME] [--html FILE|-]",
             "what alerts told of issues in a stretch of time",
             "By rule the issues it alerted about, as far as they are unresolved now, each with\n"
             "the events and users of that time. --html makes a page that needs nothing else.\n"
             "A server makes digests by itself: docs/operations.md, \"Digests\".",
             "  cairn digest shop.cairn\n"
             "  cairn digest shop.cairn --last 7d --project shop --html week.html\n"
             "  cairn digest shop.cairn --rule 'New issues' --from 2026-10-01 --to 2026-10-02\n"},
    VerbHelp{"resolve", "STORE ISSUE... [--in-release V|--in-next-release|--in-commit SHA]",
             "mark issues as done",
             "An occurrence of later than that opens the issue again, regressed. One of a\n"
             "release from before the fix does not.",
             "  cairn resolve shop.cairn SHOP-3K SHOP-41 --actor ada\n"
             "  cairn resolve shop.cairn SHOP-3K --in-release shop@2.4.0\n"
             "  cairn resolve shop.cairn SHOP-3K --in-next-release\n"},
    VerbHelp{"unresolve", "STORE ISSUE...", "open issues again", "",
             "  cairn unresolve shop.cairn SHOP-3K\n"},
    VerbHelp{"archive", "STORE ISSUE... [--forever | --for TIME | --count N | ...]",
             "put issues aside, until something happens",
             "Without a condition: until it happens far more often than in the week before. Of\n"
             "several conditions the first that comes true ends it.",
             "  cairn archive shop.cairn SHOP-3K --forever\n"
             "  cairn archive shop.cairn SHOP-3K --for 3d\n"
             "  cairn archive shop.cairn SHOP-3K --count 100 --window 1h --users 20\n"},
    VerbHelp{"priority", "STORE ISSUE PRIORITY", "say how much an issue matters",
             "PRIORITY is low, medium or high, which then stays; or auto, that of its type.",
             "  cairn priority shop.cairn SHOP-3K high\n"},
    VerbHelp{"assign", "STORE ISSUE ASSIGNEE", "give an issue to somebody",
             "ASSIGNEE is user:ID, team:ID or none.",
             "  cairn assign shop.cairn SHOP-3K user:42\n"
             "  cairn assign shop.cairn SHOP-3K none\n"},
    VerbHelp{"note", "STORE ISSUE TEXT | STORE ISSUE --edit N TEXT | STORE ISSUE --remove N",
             "write a note on an issue", "",
             "  cairn note shop.cairn SHOP-3K 'it is the cache'\n"
             "  cairn note shop.cairn SHOP-3K --edit 1 'it was the cache'\n"},
    VerbHelp{"bookmark", "STORE ISSUE WHO [--remove]", "keep an issue at hand for somebody",
             "WHO is user:ID or team:ID.", "  cairn bookmark shop.cairn SHOP-3K user:42\n"},
    VerbHelp{"subscribe", "STORE ISSUE WHO [--remove]", "have somebody told about an issue",
             "WHO is user:ID or team:ID.", "  cairn subscribe shop.cairn SHOP-3K team:7\n"},
    VerbHelp{"seen", "STORE ISSUE WHO", "somebody has seen an issue", "WHO is user:ID or team:ID.",
             "  cairn seen shop.cairn SHOP-3K user:42\n"},
    VerbHelp{"review", "STORE ISSUE", "an issue need not be looked at any more",
             "New, regressed and escalating issues are for review until then.",
             "  cairn review shop.cairn SHOP-3K\n"},
    VerbHelp{"link", "STORE ISSUE URL [--title TEXT] [--remove]",
             "tie an issue to its entry in another system", "",
             "  cairn link shop.cairn SHOP-3K https://tracker.example/BUG-7 --title BUG-7\n"},
    VerbHelp{"delete", "STORE ISSUE", "take an issue away for good",
             "With everything merged into it. Its next occurrence makes a fresh issue.",
             "  cairn delete shop.cairn SHOP-3K\n"},
    VerbHelp{"discard", "STORE ISSUE [--undo]", "take an issue away, and what comes of it later",
             "With everything merged into it. Occurrences are counted and shown nowhere; --undo\n"
             "brings back the issue with all of them.",
             "  cairn discard shop.cairn SHOP-3K\n"
             "  cairn discard shop.cairn SHOP-3K --undo\n"},
    VerbHelp{"tick", "STORE", "let happen what time alone brings",
             "New issues become ongoing, snoozes end, old issues are resolved by age. Every\n"
             "verb that writes does so too, once a minute at most.",
             "  cairn tick shop.cairn\n"},
    VerbHelp{"releases",
             "STORE [list [PROJECT] | set PROJECT VERSION [--date TIME] [--commit SHA]]",
             "list releases, say when they came and what they have",
             "The first occurrence of a release registers it. PROJECT is a number or a slug.",
             "  cairn releases shop.cairn list shop\n"
             "  cairn releases shop.cairn set shop shop@2.4.0 --commit 1f3a9c7\n"},
    VerbHelp{"projects", "STORE [list | set ID [--slug S] [--policy first|known] ...]",
             "list projects, name them, choose how they treat issues",
             "Policy first: the first fingerprint of a list decides the group. Policy known:\n"
             "the first one already known decides, the others are linked to its group. With\n"
             "--hold-back on, a type's noise limit and quota hold occurrences back until there\n"
             "is an issue for them.",
             "  cairn projects shop.cairn\n"
             "  cairn projects shop.cairn set 7 --slug shop --policy known\n"
             "  cairn projects shop.cairn set 7 --auto-resolve 14d --escalation 50\n"},
    VerbHelp{"types", "STORE [list | strict on|off | set ID [--slug S] ...]",
             "list group types, register them, refuse unknown ones", "",
             "  cairn types shop.cairn strict on\n"
             "  cairn types shop.cairn set 9001 --slug log_line --priority low\n"},
    VerbHelp{"stats", "STORE [--digests]", "sizes and counts of a store, part by part",
             "Digests read every posting, so that they are in --json and with --digests only.",
             "  cairn stats shop.cairn\n"
             "  cairn stats shop.cairn --json\n"},
    VerbHelp{"verify", "STORE|BACKUP [--deep]", "check every byte of the log and the index",
             "--deep also replays the whole log and compares digests. Of a backup every\n"
             "byte that belongs to it is checked.",
             "  cairn verify shop.cairn --deep\n"},
    VerbHelp{"rebuild", "STORE", "throw the index away and fold the log again", "",
             "  cairn rebuild shop.cairn\n"},
    VerbHelp{"compact", "STORE", "merge segments, give free pages of the index back",
             "Queries answer the same, a little faster; the index file shrinks when at least a\n"
             "quarter of it is free, as after retention.",
             "  cairn compact shop.cairn\n"},
    VerbHelp{"backup", "STORE DEST", "copy the log to another directory, while writers go on",
             "DEST is a new or empty directory, or that of an earlier backup of this store:\n"
             "what is there already is not copied again. A backup that was cut short leaves\n"
             "the one before it valid.",
             "  cairn backup shop.cairn /mnt/backup/shop\n"
             "  cairn verify /mnt/backup/shop\n"},
    VerbHelp{"restore", "BACKUP STORE", "make a store of a backup, checking every byte",
             "STORE is a new or empty directory. It is the same store as before, with the\n"
             "same id.",
             "  cairn restore /mnt/backup/shop shop.cairn\n"},
    VerbHelp{"retain", "STORE [--max-age TIME] [--max-occurrences N] [--dry-run]",
             "remove old occurrences, keep every total and the history",
             "Whole segments and log files go, the oldest first, once all their occurrences\n"
             "may go. Groups, their states, totals and workflow history stay as they are.\n"
             "What was removed cannot be found any more, and is stored anew when it comes\n"
             "again.",
             "  cairn retain shop.cairn --max-age 90d --dry-run\n"
             "  cairn retain shop.cairn --max-age 90d --max-occurrences 50000000\n"},
    VerbHelp{"log", "STORE [--from LSN] [--limit N]", "the records of the log, one a line", "",
             "  cairn log shop.cairn | head\n"
             "  cairn log shop.cairn --from 120000 --json\n"},
    VerbHelp{"parse", "QUERY", "show how a query is read", "",
             "  cairn parse 'is:unresolved (level:error OR has:user)'\n"},
    VerbHelp{"serve", "STORE --listen ADDR... [--http ADDR...] [--config FILE]",
             "let other machines and languages use a store",
             "ADDR is unix:PATH, tcp:HOST:PORT or tls:HOST:PORT. Who can open the unix\n"
             "socket may do everything; elsewhere tokens say who may do what. An address\n"
             "that other machines reach needs TLS and tokens. docs/operations.md has the\n"
             "settings, limits and signals; docs/protocol.md what programs speak.",
             "  cairn serve shop.cairn --listen unix:/run/cairn/shop.sock\n"
             "  cairn serve shop.cairn --listen tls:0.0.0.0:7117 --tls-cert c.pem --tls-key k.pem\n"
             "  cairn serve shop.cairn --listen tcp:127.0.0.1:7117 --http tcp:127.0.0.1:7118\n"},
    VerbHelp{"token", "STORE [list | create NAME --scope SCOPE... | revoke NAME]",
             "say who may do what at a server",
             "Scopes are read, triage (merge, resolve ...), ingest and admin (everything).\n"
             "A token is shown once; the file has only what proves it. A running server\n"
             "takes changes over within a second. A token may have narrower limits than\n"
             "the server gives everybody, never wider ones.",
             "  cairn token shop.cairn create ci --scope ingest --project 7 --expires 90d\n"
             "  cairn token shop.cairn create ada --scope read --scope triage\n"
             "  cairn token shop.cairn create wall --scope read --query-ms 2000 --calls 4\n"
             "  cairn token shop.cairn revoke ci\n"},
    VerbHelp{"bench", "[--scale N] [--runs N] [--dir DIR]", "measure this build on this machine",
             "",
             "  cairn bench --scale 1M\n"
             "  cairn bench --scale 200k --runs 3 --json\n"},
    VerbHelp{"generate", "--occurrences N [--seed S] ...", "realistic load as JSON Lines",
             "The same options give the same bytes everywhere.",
             "  cairn generate --occurrences 1000000 --seed 7 | cairn import load.cairn -\n"},
};

// Edits (insert, delete, replace, swap of neighbours) that turn a into b.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({replaced, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::span<const VerbHelp> verb_table() { return kVerbs; }

const VerbHelp* find_verb(std::string_view name) {
  const auto* found = std::find_if(kVerbs.begin(), kVerbs.end(),
                                   [&](const VerbHelp& verb) { return verb.name == name; });
  return found == kVerbs.end() ? nullptr : found;
}

const VerbHelp* nearest_verb(std::string_view word) {
  constexpr size_t kLongestWord = 32;  // longer ones are no slip of the finger
  constexpr size_t kFarthest = 3;
  if (word.size() > kLongestWord) return nullptr;
  const VerbHelp* best = nullptr;
  size_t least = kFarthest + 1;
  for (const VerbHelp& verb : kVerbs) {
    const bool beginning = !word.empty() && verb.name.starts_with(word);
    const size_t distance = beginning ? 1 : edit_distance(word, verb.name);
    const bool near = distance < least && distance < verb.name.size();
    if (!near) continue;
    least = distance;
    best = &verb;
  }
  return best;
}

std::string overview() {
  std::string out =
      "cairn: an event-sourced store of issues. Occurrences come in and are grouped\n"
      "into issues; merge and unmerge are views and change no event.\n\n"
      "Usage: cairn VERB STORE [ARGS] [--json]\n\n";
  for (const VerbHelp& verb : kVerbs) out += fmt::format("  {:<10} {}\n", verb.name, verb.summary);
  out +=
      "\nSTORE is a directory, or the address of a server: unix:PATH, tcp:HOST:PORT or\n"
      "tls:HOST:PORT. Any verb then takes --token TOKEN or --token-file FILE (or the\n"
      "variable CAIRN_TOKEN), and --tls-ca FILE (or CAIRN_CA) for its own certificates.\n"
      "\n`cairn help VERB` explains a verb with examples. --json prints JSON to stdout and\n"
      "nothing else there. Exit codes: 0 ok, 1 error, 2 usage, 3 done but some input was\n"
      "refused.\n"
      "New here? Try `cairn demo`.\n";
  return out;
}

}  // namespace cairn::verbs
