#include "engine/frame_feed.h"

#include <utility>

#include "base/caught.h"
#include "model/record_codec.h"
#include "storage/segment.h"

namespace cairn::engine {
namespace {

// Frames in the making, waiting and being folded.
constexpr size_t kFrames = 4;
constexpr auto kPatience = std::chrono::milliseconds(1000);

}  // namespace

FrameFeed::FrameFeed(std::unique_ptr<log::LogReader> reader, bool with_terms)
    : reader_(std::move(reader)), with_terms_(with_terms), filled_(kFrames), free_(kFrames) {
  for (size_t i = 0; i < kFrames; ++i) free_.push(std::make_unique<DecodedFrame>());
  thread_ = std::thread([this] { run(); });
}

FrameFeed::~FrameFeed() {
  filled_.cancel();
  free_.finish();
  thread_.join();
}

Result<DecodedFrame*> FrameFeed::next() {
  if (lent_) free_.push(std::move(lent_));
  while (true) {
    std::optional<Item> item = filled_.pop(kPatience);
    if (!item) {
      if (filled_.ended()) return nullptr;
      continue;
    }
    if (item->error) return *std::move(item->error);
    lent_ = std::move(item->frame);
    return lent_.get();
  }
}

void FrameFeed::run() {
  while (true) {
    std::optional<std::unique_ptr<DecodedFrame>> frame = free_.pop(kPatience);
    if (!frame) {
      if (free_.ended()) return;
      continue;
    }
    Item item;
    try {
      auto more = read(**frame);
      if (!more.ok()) {
        item.error = std::move(more).error();
      } else if (!*more) {
        break;
      }
    } catch (...) {
      item.error = caught_error();
    }
    const bool last = item.error.has_value();
    item.frame = *std::move(frame);
    if (!filled_.push(std::move(item)) || last) break;
  }
  filled_.finish();
}

// False at the end of the log.
Result<bool> FrameFeed::read(DecodedFrame& out) {
  CAIRN_TRY_ASSIGN(const std::optional<log::Frame> frame, reader_->next());
  if (!frame) return false;
  out.first_lsn = frame->first_lsn;
  out.position = frame->position;
  out.records.clear();
  out.terms.clear();
  out.id_hashes.clear();
  CAIRN_TRY(model::decode_records(frame->payload, frame->count,
                                  [&](model::Record&& record) -> Result<void> {
                                    out.records.push_back(std::move(record));
                                    return {};
                                  }));
  if (!with_terms_) return true;
  for (const model::Record& record : out.records) {
    if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
      extractor_.extract(*occurrence, out.terms);
      out.id_hashes.push_back(storage::id_hash(occurrence->id, occurrence->project));
    } else {
      out.terms.end();
      out.id_hashes.push_back(0);
    }
  }
  return true;
}

}  // namespace cairn::engine
