#include "client/generated_input.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/bounded_queue.h"

namespace cairn::client {
namespace {

constexpr size_t kQueuedBlocks = 8;

class GeneratedBytes final : public verbs::ByteSource {
 public:
  explicit GeneratedBytes(const GenerateOptions& options)
      : queue_(kQueuedBlocks), thread_([this, options] { produce(options); }) {}
  ~GeneratedBytes() override {
    queue_.cancel();
    thread_.join();
  }

  Result<size_t> read(std::span<char> out) override {
    while (begin_ == block_.size()) {
      auto next = queue_.pop(std::chrono::seconds(1));
      if (!next && queue_.ended()) return end();
      block_ = next.value_or("");
      begin_ = 0;
    }
    const size_t count = std::min(out.size(), block_.size() - begin_);
    std::memcpy(out.data(), block_.data() + begin_, count);
    begin_ += count;
    consumed_ += count;
    return count;
  }
  uint64_t consumed() const override { return consumed_; }

 private:
  void produce(const GenerateOptions& options) {
    outcome_ = generate(options, [this](std::string_view block) -> Result<void> {
      if (queue_.push(std::string(block))) return {};
      return make_error(ErrorCode::Closed, "the import ended");
    });
    queue_.finish();
  }
  // After the end of the queue `outcome_` no longer changes.
  Result<size_t> end() const {
    if (!outcome_) return outcome_.error();
    return size_t{0};
  }

  BoundedQueue<std::string> queue_;
  Result<void> outcome_;
  std::string block_;
  size_t begin_ = 0;
  uint64_t consumed_ = 0;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

ImportInput generated_input(const GenerateOptions& options) {
  return {"(generated)",
          [options](const WaitHooks&) -> Result<std::unique_ptr<LineSource>> {
            return std::unique_ptr<LineSource>(
                new verbs::FileLines(std::make_unique<GeneratedBytes>(options)));
          },
          std::nullopt};
}

}  // namespace cairn::client
