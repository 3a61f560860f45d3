#include "alert/digest_timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "base/json_writer.h"
#include "base/time_format.h"

namespace cairn::alert {
namespace {

constexpr int kKeptDepth = 3;

void write_place(JsonWriter& json, NotificationPlace place) {
  json.begin_object().key("lsn").unsigned_integer(raw(place.lsn));
  json.key("ordinal").unsigned_integer(place.ordinal).end_object();
}

Error damaged(std::string_view member, std::string_view what) {
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("{}: {} in the state of a digest's timeline", member, what));
}

// The members of one object, each asked for by name.
class Members {
 public:
  explicit Members(model::JsonValue object) : object_(object) {}

  model::JsonValue find(std::string_view name) const {
    for (model::JsonValue one = object_.first(); one; one = one.next().next()) {
      if (!one.escaped() && one.content() == name) return one.next();
    }
    return {};
  }

  template <class T>
  Result<T> number(std::string_view name) const {
    const model::JsonValue value = find(name);
    T number = 0;
    if (value && value.kind() == model::JsonKind::Number) {
      const std::string_view text = value.raw();
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      if (read.ec == std::errc() && read.ptr == text.data() + text.size()) return number;
    }
    return damaged(name, "no whole number");
  }

  Result<TimeUs> time(std::string_view name) const {
    const model::JsonValue value = find(name);
    if (value && value.kind() == model::JsonKind::String && !value.escaped()) {
      if (const auto time = parse_time(value.content())) return *time;
    }
    return damaged(name, "no time");
  }

  Result<model::JsonValue> object(std::string_view name) const {
    const model::JsonValue value = find(name);
    if (value && value.kind() == model::JsonKind::Object) return value;
    return damaged(name, "no object");
  }

  bool is_null(std::string_view name) const {
    const model::JsonValue value = find(name);
    return value && value.kind() == model::JsonKind::Null;
  }

  Result<NotificationPlace> place(std::string_view name) const {
    CAIRN_TRY_ASSIGN(const model::JsonValue value, object(name));
    const Members members(value);
    CAIRN_TRY_ASSIGN(const uint64_t lsn, members.number<uint64_t>("lsn"));
    CAIRN_TRY_ASSIGN(const uint32_t ordinal, members.number<uint32_t>("ordinal"));
    return NotificationPlace{Lsn{lsn}, ordinal};
  }

 private:
  model::JsonValue object_;
};

}  // namespace

Result<void> check_delays(const DigestDelays& delays) {
  const auto refused = [](std::string what) {
    return make_error(ErrorCode::InvalidArgument, std::move(what));
  };
  for (const int64_t one : {delays.minimum_us, delays.increment_us, delays.maximum_us}) {
    if (one < 0) return refused("a delay of a digest cannot be below 0");
    if (one > kMaxDigestDelayUs) return refused("a delay of a digest is at most 7 days");
  }
  if (delays.maximum_us < delays.minimum_us) {
    return refused("the maximum delay of a digest cannot be below the minimum delay");
  }
  return {};
}

bool DigestTimeline::add(NotificationPlace place, TimeUs at) {
  if (place <= taken_) return false;
  taken_ = place;
  const auto delivery = last();
  if (++records_ == 1) due_ = delivery ? TimeUs{raw(*delivery) + delays_.minimum_us} : at;
  // Beyond that, its wait was over: it goes at once, or with a digest that is due already.
  if (delivery && at < due_) {
    due_ = TimeUs{std::min(raw(due_) + delays_.increment_us, raw(*delivery) + delays_.maximum_us)};
  }
  return true;
}

void DigestTimeline::pass(NotificationPlace place) { taken_ = std::max(taken_, place); }

std::optional<TimeUs> DigestTimeline::due() const {
  if (records_ == 0) return std::nullopt;
  return due_;
}

std::optional<DigestSpan> DigestTimeline::begin(TimeUs now) {
  if (begun_) return begun_;
  if (records_ == 0) return std::nullopt;
  const bool waits = last_ && due_ > now && raw(due_) - raw(now) <= delays_.maximum_us;
  if (waits) return std::nullopt;
  begun_ = DigestSpan{delivered_, taken_, now, records_};
  records_ = 0;
  return begun_;
}

void DigestTimeline::finish() {
  CAIRN_ASSERT(begun_.has_value());
  delivered_ = begun_->through;
  last_ = begun_->at;
  begun_.reset();
}

std::string DigestTimeline::to_json() const {
  JsonWriter json;
  json.begin_object().key("delivered");
  // Without records of its own in between, the log need not be read again from further back.
  write_place(json, records_ == 0 && !begun_ ? taken_ : delivered_);
  json.key("last");
  if (last_) {
    json.string(format_time(*last_));
  } else {
    json.null();
  }
  json.key("begun");
  if (begun_) {
    json.begin_object().key("through");
    write_place(json, begun_->through);
    json.key("at").string(format_time(begun_->at));
    json.key("records").unsigned_integer(begun_->records).end_object();
  } else {
    json.null();
  }
  return json.end_object().take();
}

Result<DigestTimeline> DigestTimeline::parse(const DigestDelays& delays, std::string_view json) {
  constexpr int kMaxDepth = 8;
  model::JsonTree tree;
  CAIRN_TRY(tree.parse(json, kKeptDepth, kMaxDepth));
  return read(delays, tree.root());
}

Result<DigestTimeline> DigestTimeline::read(const DigestDelays& delays, model::JsonValue object) {
  const Members members(object);
  CAIRN_TRY_ASSIGN(const NotificationPlace delivered, members.place("delivered"));
  DigestTimeline out(delays, delivered);
  if (!members.is_null("last")) {
    CAIRN_TRY_ASSIGN(out.last_, members.time("last"));
  }
  if (members.is_null("begun")) return out;
  CAIRN_TRY_ASSIGN(const model::JsonValue value, members.object("begun"));
  const Members begun(value);
  DigestSpan span{.after = delivered, .through = {}, .at = {}, .records = 0};
  CAIRN_TRY_ASSIGN(span.through, begun.place("through"));
  CAIRN_TRY_ASSIGN(span.at, begun.time("at"));
  CAIRN_TRY_ASSIGN(span.records, begun.number<uint64_t>("records"));
  if (span.through <= delivered || span.records == 0) {
    return damaged("begun", "nothing is delivered by it");
  }
  out.begun_ = span;
  out.taken_ = span.through;
  return out;
}

}  // namespace cairn::alert
