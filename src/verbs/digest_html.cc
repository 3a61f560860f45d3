// The page of a digest. It is mailed, kept and opened from files: style and charts are within it,
// the policy at its head forbids everything else, and all text goes through html().
#include <fmt/format.h>

#include <algorithm>

#include "base/time_format.h"
#include "verbs/digest_output.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

using alert::Digest;
using alert::DigestIssue;

constexpr size_t kMaxTextColumns = 240;  // of a title, a culprit, a name
// Charts in units of their own; the page stretches them.
constexpr uint64_t kBarWidth = 8;
constexpr uint64_t kBarGap = 2;
constexpr uint64_t kTrendHeight = 36;
constexpr uint64_t kTotalHeight = 72;

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
)";

constexpr std::string_view kStyle = R"(<style>
:root {
  color-scheme: light dark;
  --page: #f5f3ee; --card: #fffefb; --ink: #22252a; --soft: #646a73; --line: #e2ded4;
  --bar: #47709b; --bad: #b4332b; --warn: #9a6700; --calm: #47709b; --quiet: #7b828b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --card: #1d2024; --ink: #e7e5e0; --soft: #a0a5ad; --line: #30343a;
    --bar: #86aed6; --bad: #f08a80; --warn: #e0b25c; --calm: #86aed6; --quiet: #8b919a;
  }
}
* { box-sizing: border-box; margin: 0; padding: 0; }
body {
  max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 3rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}
header { display: flex; gap: .8rem; align-items: center; }
.logo { width: 2.4rem; height: 2.4rem; flex: none; color: var(--soft); }
h1 { font-size: 1.35rem; line-height: 1.2; font-weight: 650; }
.when, .note, .none { color: var(--soft); font-size: .875rem; }
.when span { white-space: nowrap; }
.sums { display: flex; margin: 1.2rem 0 .8rem; gap: 2rem; list-style: none; }
.sums b { display: block; font-size: 1.6rem; line-height: 1.15; font-weight: 650; }
.sums li { color: var(--soft); font-size: .875rem; }
.sums b { color: var(--ink); }
figure { margin-bottom: 1.8rem; }
svg { display: block; }
.bars { width: 100%; color: var(--bar); }
figure .bars { height: 4.5rem; border-bottom: 1px solid var(--line); }
figure p, figcaption { color: var(--soft); font-size: .75rem; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; padding-top: .25rem; }
h2 { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem;
  margin: 1.8rem 0 .5rem; font-size: 1.05rem; font-weight: 650; }
h2 span { flex: none; color: var(--soft); font-size: .875rem; font-weight: 400; }
ol { list-style: none; }
.issue { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .5rem 1rem;
  margin-bottom: .5rem; padding: .75rem .9rem; background: var(--card);
  border: 1px solid var(--line); border-left: 4px solid var(--quiet); border-radius: .4rem; }
.issue.fatal, .issue.error { border-left-color: var(--bad); }
.issue.warning { border-left-color: var(--warn); }
.issue.info { border-left-color: var(--calm); }
.what { grid-column: 1 / -1; min-width: 0; }
.id { display: flex; justify-content: space-between; gap: 1rem; color: var(--soft);
  font-size: .8125rem; font-variant-numeric: tabular-nums; }
.level { flex: none; }
.fatal .level, .error .level { color: var(--bad); }
.warning .level { color: var(--warn); }
.title, .culprit { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 4;
  overflow: hidden; }
.title { font-weight: 600; line-height: 1.35; }
.culprit { color: var(--soft); font-size: .875rem; }
.trend { align-self: end; min-width: 0; }
.trend .bars { height: 2.25rem; border-bottom: 1px solid var(--line); }
.seen { display: flex; gap: .75rem; align-self: end; list-style: none; text-align: right;
  color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.seen li { min-width: 2.6rem; }
.seen b { display: block; color: var(--ink); font-size: 1.0625rem; line-height: 1.2;
  font-weight: 650; }
.more { color: var(--soft); font-size: .875rem; padding-left: .25rem; }
footer { margin-top: 2rem; padding-top: .8rem; border-top: 1px solid var(--line); }
.note + .note { margin-top: .3rem; }
@media (min-width: 40rem) {
  .issue { grid-template-columns: minmax(0, 1fr) 9rem auto; }
  .what { grid-column: auto; }
  .seen li { min-width: 3.2rem; }
}
@media print { body { background: none; } .issue { break-inside: avoid; } }
</style>
)";

constexpr std::string_view kLogo =
    R"(<svg class="logo" viewBox="0 0 48 48" fill="currentColor" aria-hidden="true">)"
    R"(<ellipse cx="24" cy="40" rx="20" ry="6.5"/><ellipse cx="25" cy="27" rx="14" ry="5.5"/>)"
    R"(<ellipse cx="23" cy="16" rx="9.5" ry="4.5"/><ellipse cx="24.5" cy="7" rx="5.5" ry="3.5"/>)"
    R"(</svg>)";

// What somebody said, as text: nothing of it is markup, and no mark in it turns what is around it.
std::string html(std::string_view said) {
  std::string out;
  for (const char c : fit(printable(said, true), kMaxTextColumns, true)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string time_html(TimeUs time) {
  return fmt::format("<time datetime=\"{}\">{}</time>", format_time(time), minute_text(time));
}

// Columns that grow from the ground, the greatest as tall as the chart; what is not zero is seen.
std::string bars(const std::vector<uint64_t>& counts, uint64_t height, std::string_view says) {
  const uint64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  std::string path;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const double share = static_cast<double>(counts[i]) / static_cast<double>(most);
    const auto tall =
        std::max<uint64_t>(2, static_cast<uint64_t>(share * static_cast<double>(height) + 0.5));
    path +=
        fmt::format("M{} {}v-{}h{}v{}z", i * kBarWidth, height, tall, kBarWidth - kBarGap, tall);
  }
  return fmt::format(
      "<svg class=\"bars\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"{}\"><path fill=\"currentColor\" d=\"{}\"/></svg>",
      counts.size() * kBarWidth - kBarGap, height, says, path);
}

std::string trend_says(const std::vector<uint64_t>& counts, const alert::DigestChart& chart) {
  const uint64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  return fmt::format("Events by {}, {} at most", column_text(chart), format_count(most));
}

std::string figure(std::string_view label, uint64_t count) {
  return fmt::format("<li><b>{}</b> {}{}</li>", format_count(count), label, count == 1 ? "" : "s");
}

void add_header(const DigestReport& report, std::string& out) {
  const Digest& digest = report.digest;
  const std::string of = report.target.empty()
                             ? std::string()
                             : fmt::format(" for <bdi>{}</bdi>", html(report.target));
  out += fmt::format(
      "<header>{}<div><h1>Digest{}</h1>\n<p class=\"when\"><span>{}</span> to <span>{} UTC</span>"
      "</p></div></header>\n",
      kLogo, of, time_html(digest.from), time_html(digest.until));
  if (digest.empty()) {
    out += "<main>\n<p class=\"none\">No alerts about unresolved issues.</p>\n";
    return;
  }
  out +=
      fmt::format("<main>\n<ul class=\"sums\">{}{}{}</ul>\n", figure("issue", digest.issues.size()),
                  figure("alert", digest.records), figure("rule", digest.rules.size()));
  const std::vector<uint64_t> total = total_trend(digest);
  const std::string says = trend_says(total, digest.chart);
  out += fmt::format("<figure><p>{}</p>\n{}\n<figcaption>{}{}</figcaption></figure>\n", says,
                     bars(total, kTotalHeight, says), time_html(digest.chart.begin),
                     time_html(digest.chart.end()));
}

void add_issue(const Digest& digest, const alert::DigestRule::Entry& entry, std::string& out) {
  const DigestIssue& issue = digest.issues[entry.issue];
  out += fmt::format(
      "<li class=\"issue {0}\">\n<div class=\"what\"><p class=\"id\"><bdi>{1}</bdi> "
      "<span class=\"level\">{0}</span></p>\n<p class=\"title\" dir=\"auto\">{2}</p>",
      model::level_name(issue.level), html(issue.short_id), html(issue.title));
  if (!issue.culprit.empty()) {
    out += fmt::format("\n<p class=\"culprit\" dir=\"auto\">{}</p>", html(issue.culprit));
  }
  out += fmt::format("</div>\n<div class=\"trend\">{}</div>\n<ul class=\"seen\">{}{}{}</ul></li>\n",
                     bars(issue.trend, kTrendHeight, trend_says(issue.trend, digest.chart)),
                     figure("event", issue.counts.events), figure("user", issue.counts.users),
                     figure("alert", entry.records));
}

void add_rule(const Digest& digest, const ShownRule& shown, std::string& out) {
  const size_t issues = shown.rule->entries.size();
  out += fmt::format("<section>\n<h2><bdi>{}</bdi> <span>{}</span></h2>\n<ol>\n",
                     html(shown.rule->name), count_text(issues, "issue"));
  for (size_t i = 0; i < shown.shown; ++i) add_issue(digest, shown.rule->entries[i], out);
  out += "</ol>\n";
  if (shown.shown < issues) {
    out += fmt::format("<p class=\"more\">and {}</p>\n",
                       count_text(issues - shown.shown, "more issue"));
  }
  out += "</section>\n";
}

void add_footer(const DigestReport& report, std::string& out) {
  out += "</main>\n<footer>\n";
  if (!report.digest.empty()) {
    out += fmt::format(
        "<p class=\"note\">Events and users are counted from the first to the last alert, {} to "
        "{}; "
        "charts reach back further.</p>\n",
        time_html(report.digest.first), time_html(report.digest.last));
  }
  for (const std::string& remark : remarks_of(report)) {
    out += fmt::format("<p class=\"note\">{}</p>\n", html(remark));
  }
  out += "<p class=\"note\">Made by cairn. Times are UTC.</p>\n</footer>\n";
}

}  // namespace

std::string digest_html(const DigestReport& report) {
  const Digest& digest = report.digest;
  std::string out(kHead);
  out += fmt::format("<title>Digest: {} about {}</title>\n", count_text(digest.records, "alert"),
                     count_text(digest.issues.size(), "issue"));
  out.append(kStyle).append("</head>\n<body>\n");
  add_header(report, out);
  for (const ShownRule& shown : shown_rules(report)) add_rule(digest, shown, out);
  add_footer(report, out);
  return out.append("</body>\n</html>\n");
}

}  // namespace cairn::verbs
