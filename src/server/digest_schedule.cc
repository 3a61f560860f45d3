#include "server/digest_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "model/json_tree.h"
#include "verbs/digest_output.h"
#include "verbs/digest_source.h"

namespace cairn::server {
namespace {

constexpr size_t kMostStateBytes = 16u << 20;
constexpr size_t kTakenAtOnce = 10'000;
constexpr uint32_t kMostDoublings = 8;  // of looks between two tries: minutes at one a second

alert::NotificationPlace end_of(Lsn lsn) { return {lsn, std::numeric_limits<uint32_t>::max()}; }

std::pair<std::string, std::string> split_path(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, std::max<size_t>(slash, 1)), path.substr(slash + 1)};
}

// Durable, in one piece: the file is as before, or this.
Result<void> put_file(FileSystem& files, const std::string& path, std::string_view text) {
  const std::string part = path + ".part";
  CAIRN_TRY_ASSIGN(const bool left, files.exists(part));
  if (left) CAIRN_TRY(files.remove_file(part));
  {
    CAIRN_TRY_ASSIGN(const auto file, files.open(part, OpenMode::Create));
    CAIRN_TRY(file->write_at(0, std::as_bytes(std::span(text.data(), text.size()))));
    CAIRN_TRY(file->sync());
  }
  CAIRN_TRY(files.rename(part, path));
  return files.sync_directory(split_path(path).first);
}

Result<std::string> get_file(FileSystem& files, const std::string& path) {
  CAIRN_TRY_ASSIGN(const auto file, files.open(path, OpenMode::Read));
  CAIRN_TRY_ASSIGN(const uint64_t size, file->size());
  if (size > kMostStateBytes) {
    return make_error(ErrorCode::InvalidArgument, "it is too large");
  }
  std::string text(size, '\0');
  CAIRN_TRY_ASSIGN(const size_t read,
                   file->read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  text.resize(read);
  return text;
}

int64_t micros(uint32_t seconds) { return int64_t{seconds} * kMicrosPerSecond; }

// "2026-11-30T08-51-28Z": sorts as times do, and can be a name on any file system.
std::string time_name(TimeUs at) {
  constexpr size_t kToSeconds = 19;
  std::string text = format_time(at).substr(0, kToSeconds) + "Z";
  std::replace(text.begin(), text.end(), ':', '-');
  return text;
}

model::JsonValue member(model::JsonValue object, std::string_view name) {
  for (model::JsonValue one = object.first(); one; one = one.next().next()) {
    if (!one.escaped() && one.content() == name) return one.next();
  }
  return {};
}

}  // namespace

Result<void> DigestDirectory::deliver(const DigestMail& mail) {
  CAIRN_TRY(files_.make_directory(directory_));
  CAIRN_TRY(put_file(files_, fmt::format("{}/{}.txt", directory_, mail.name), mail.text));
  return put_file(files_, fmt::format("{}/{}.html", directory_, mail.name), mail.page);
}

void DigestSchedule::add(const DigestConfig& config, std::unique_ptr<DigestSink> sink) {
  const alert::DigestDelays delays{.minimum_us = micros(config.minimum_delay_s),
                                   .increment_us = micros(config.increment_delay_s),
                                   .maximum_us = micros(config.maximum_delay_s)};
  targets_.push_back({config, std::move(sink), delays, alert::DigestTimeline(delays, {})});
}

Result<void> DigestSchedule::open(const engine::Store& store) {
  CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot());
  store_id_ = snapshot->state().store_id().dashed();
  for (Target& target : targets_) {
    target.timeline = alert::DigestTimeline(target.delays, end_of(snapshot->lsn()));
  }
  CAIRN_TRY_ASSIGN(const bool there, files_.exists(state_));
  if (there) CAIRN_TRY(read_state(*snapshot));
  return save();
}

Result<void> DigestSchedule::read_state(const engine::Snapshot& snapshot) {
  constexpr int kKeptDepth = 5;  // targets, one of them, and 3 that a timeline wants
  constexpr int kMaxDepth = 8;
  const auto wrong = [&](const Error& error) {
    return make_error(error.code,
                      fmt::format("{}: {}; remove the file to begin digests anew, with the alerts "
                                  "from then on",
                                  state_, error.message));
  };
  const auto text = get_file(files_, state_);
  if (!text) return wrong(text.error());
  model::JsonTree tree;
  if (const auto parsed = tree.parse(*text, kKeptDepth, kMaxDepth); !parsed) {
    return wrong(parsed.error());
  }
  const model::JsonValue id = member(tree.root(), "store");
  const model::JsonValue all = member(tree.root(), "targets");
  const bool shaped =
      id && id.kind() == model::JsonKind::String && all && all.kind() == model::JsonKind::Object;
  if (!shaped) {
    return wrong(make_error(ErrorCode::InvalidArgument, "there is no store or no targets in it"));
  }
  if (id.content() != store_id_) {
    log_.warn("digests_begin_anew", {{"why", "the file is another store's"}, {"file", state_}});
    return {};
  }
  for (Target& target : targets_) {
    const model::JsonValue saved = member(all, target.config.name);
    if (!saved) continue;
    if (saved.kind() != model::JsonKind::Object) {
      return wrong(make_error(ErrorCode::InvalidArgument, target.config.name + " is no object"));
    }
    auto timeline = alert::DigestTimeline::read(target.delays, saved);
    if (!timeline) return wrong(timeline.error());
    if (timeline->taken().lsn > snapshot.lsn()) {
      log_.warn("digests_begin_anew",
                {{"why", "the store ends before what was told"}, {"target", target.config.name}});
      continue;
    }
    target.timeline = *std::move(timeline);
  }
  return {};
}

Result<void> DigestSchedule::save() const {
  JsonWriter json;
  json.begin_object().key("store").string(store_id_).key("targets").begin_object();
  for (const Target& target : targets_) {
    json.key(target.config.name).raw(target.timeline.to_json());
  }
  return put_file(files_, state_, json.end_object().end_object().take() + "\n");
}

void DigestSchedule::take_new(const engine::Snapshot& snapshot) {
  if (snapshot.lsn() == read_to_) return;
  for (Target& target : targets_) {
    const verbs::DigestPicker picker(snapshot.state(),
                                     {target.config.projects, target.config.rules}, {},
                                     verbs::rules_of(snapshot));
    while (true) {
      const auto fresh =
          snapshot.alerts().notifications_after(target.timeline.taken(), kTakenAtOnce);
      for (const alert::Notification& one : fresh) {
        if (picker.pick(one)) {
          target.timeline.add(one.place(), one.at);
        } else {
          target.timeline.pass(one.place());
        }
      }
      if (fresh.size() < kTakenAtOnce) break;
    }
    target.timeline.pass(end_of(snapshot.lsn()));
  }
  read_to_ = snapshot.lsn();
}

void DigestSchedule::look(const engine::Store& store, TimeUs now) {
  if (stopped_ || targets_.empty()) return;
  {
    const auto snapshot = store.snapshot();
    if (!snapshot) {
      log_.warn("digest_failed", {{"why", snapshot.error().message}});
      return;
    }
    take_new(**snapshot);
  }
  for (Target& target : targets_) {
    if (stopped_) return;
    if (target.skip > 0) {
      --target.skip;
      continue;
    }
    const auto done = deliver_due(target, store, now);
    if (done) {
      target.failed = 0;
      continue;
    }
    if (stopped_) return;
    ++metrics_.digest_failures;
    target.failed = std::min(target.failed + 1, kMostDoublings);
    target.skip = (1u << target.failed) - 1;
    log_.warn("digest_failed", {{"target", target.config.name}, {"why", done.error().message}});
  }
}

Result<void> DigestSchedule::deliver_due(Target& target, const engine::Store& store, TimeUs now) {
  const auto span = target.timeline.begin(now);
  if (!span) return {};
  CAIRN_TRY(save());
  std::optional<DigestMail> mail;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store.snapshot());
    CAIRN_TRY_ASSIGN(mail, make(target, *span, *snapshot));
  }
  if (mail) {
    CAIRN_TRY(target.sink->deliver(*mail));
    ++metrics_.digests;
    log_.info(
        "digest",
        {{"target", target.config.name}, {"key", mail->key}, {"alerts", uint64_t{span->records}}});
  } else {
    log_.info("digest_empty",
              {{"target", target.config.name}, {"alerts", uint64_t{span->records}}});
  }
  target.timeline.finish();
  return save();
}

Result<std::optional<DigestMail>> DigestSchedule::make(const Target& target,
                                                       const alert::DigestSpan& span,
                                                       const engine::Snapshot& snapshot) const {
  auto told = snapshot.alerts().notifications_after(span.after, std::numeric_limits<size_t>::max());
  std::erase_if(told, [&](const alert::Notification& one) { return one.place() > span.through; });
  query::Control control;
  control.budget = verbs::kDefaultBudget;
  control.cancelled = &stopped_;
  const verbs::DigestQuestion question{
      .selection = {target.config.projects, target.config.rules},
      .rights = {},
      .range = {.from = std::nullopt, .until = span.at, .shown = target.config.limit}};
  CAIRN_TRY_ASSIGN(const alert::Digest digest,
                   verbs::digest_of(snapshot, told, question, verbs::rules_of(snapshot), control));
  if (digest.empty()) return std::optional<DigestMail>();
  const verbs::DigestReport report{.digest = digest,
                                   .target = target.config.name,
                                   .limit = target.config.limit,
                                   .lsn = snapshot.lsn()};
  verbs::Terminal plain;
  plain.utf8 = true;
  DigestMail mail;
  mail.target = target.config.name;
  mail.key = fmt::format("{}-d{}-{}-{}", store_id_, target.config.name, raw(span.through.lsn),
                         span.through.ordinal);
  mail.name =
      fmt::format("{}-{}-{}", target.config.name, time_name(span.at), raw(span.through.lsn));
  mail.at = span.at;
  mail.page = verbs::digest_html(report);
  mail.text = verbs::digest_text(report, plain);
  mail.json = verbs::digest_json(report);
  return std::optional(std::move(mail));
}

}  // namespace cairn::server
