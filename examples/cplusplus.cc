// The same from C++: the engine in a unique_ptr, what a request borrows in an object of its own.
//
//   c++ cplusplus.cc $(pkg-config --cflags --libs ringsend) -o cplusplus
//   ./cplusplus http://127.0.0.1:8080/orders 1000
#include <ringsend.h>

#include <deque>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace
{

using Engine = std::unique_ptr<ringsend, decltype(&ringsend_free)>;

Engine make_engine()
{
    char message[256] = "";
    ringsend_options options{};
    options.size = sizeof options;
    options.message = message;
    options.message_bytes = sizeof message;
    ringsend *engine;
    if (int error = ringsend_new(&engine, &options))
        throw std::runtime_error(*message ? message : ringsend_error_text(ringsend_error(-error)));
    return Engine(engine, ringsend_free);
}

ringsend_bytes bytes_of(const std::string &text)
{
    return {text.data(), text.size()};
}

// Neither moved nor copied: the engine knows its address.
class Order
{
  public:
    Order(const std::string &url, std::size_t number)
        : body_("{\"order\": " + std::to_string(number) + "}")
    {
        request_.size = sizeof request_;
        request_.url = bytes_of(url);
        request_.body = bytes_of(body_);
        request_.user = this;
    }
    Order(const Order &) = delete;
    Order &operator=(const Order &) = delete;

    ringsend_request *request()
    {
        return &request_;
    }

  private:
    std::string body_;
    ringsend_request request_{};
};

std::size_t send_all(ringsend *engine, const std::string &url, std::size_t count)
{
    std::deque<Order> orders;
    std::size_t finished = 0, ok = 0;
    bool refused = false; // the last order waits for room
    while (finished < count) {
        while (refused || orders.size() < count) {
            if (!refused)
                orders.emplace_back(url, orders.size());
            int error = ringsend_submit(engine, orders.back().request());
            refused = error == -RINGSEND_E_FULL;
            if (refused)
                break;
            if (error)
                throw std::runtime_error(ringsend_error_text(ringsend_error(-error)));
        }
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            throw std::runtime_error("the ring broke");
        const ringsend_result *results[16];
        while (std::size_t n = ringsend_reap(engine, results, 16))
            for (std::size_t i = 0; i < n; i++, finished++)
                ok += results[i]->ok;
    }
    return ok;
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc != 3) {
        std::cerr << "usage: cplusplus URL COUNT\n";
        return 1;
    }
    std::size_t count = std::stoul(argv[2]);
    Engine engine = make_engine();
    std::size_t ok = send_all(engine.get(), argv[1], count);
    std::cout << ok << " of " << count << " ok\n";
    return ok == count ? 0 : 1;
} catch (const std::exception &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
