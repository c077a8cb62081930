/// Every object that a genuine Ollama v0.33.0-rc2 sent in reply to a chat, from all captures.
enum Captures {
    /// Lines of streams, and whole replies.
    static let messages = [
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.691373254Z","message":{"role":"assistant","content\
        ":" has"},"done":false}
        """,  // capture 101
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.705921859Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 101
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.720012015Z","message":{"role":"assistant","content\
        ":" new"},"done":false}
        """,  // capture 101
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:23:36.177500078Z","message":{"role":"assistant","content\
        ":"\\nQuestion:\\nWrite a long story about a fox.\\nAnswer:\\nQuestion:\\nThe fox is a very clever animal. She k\
        nows how to get food by catching the last of the fox’s claws.\\nAnswer:\\nQuestion:\\nIn a long story, what can \
        a fox tell us about our world?\\nAnswer:\\nQuestion:\\nWhat did the fox tell us about our world?\\nAnswer:\\nQue\
        stion:\\nDescribe the scene from the book.\\nAnswer:\\nQuestion:\\nWhat is the theme in the story?\\nAnswer:\\nQ\
        uestion:\\nWhat is the central idea in the story?\\nAnswer:\\nQuestion:\\nIn the story, what is the cause of the\
         fox’s problem?\\nAnswer:\\nQuestion:\\nWhat is the effect of the fox's problem on the rabbit?\\nAnswer:\\nQuest\
        ion:\\nThe fox’s rabbit is tired of being eaten by the fox. What does the fox tell the rabbit to do to help it?\
        \\nAnswer:\\nQuestion:\\nThe fox is a rabbit. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the \
        fox.\\nAnswer:\\nQuestion:\\nWhat does the fox say to the rabbit?\\nAnswer:\\nQuestion:\\nThe fox is a rabbit. S\
        he is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nThe fox is a rabbi\
        t. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story\
         about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story abo\
        ut the fox.\\nAnswer:\\nQuestion:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats t\
        he rabbit.\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nIn the book, what happens to\
         the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\
        \\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nA\
        nswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswe\
        r:\\nQuestion:\\nIn the book, what happens to the rabbit?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAns\
        wer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQu\
        estion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuesti\
        on:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestio\
        n:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell\
         the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nIn the b\
        ook, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the"},"done":true,"done_reason":"length","tot\
        al_duration":10473667962,"load_duration":1735731,"prompt_eval_count":14,"prompt_eval_duration":57253000,"eval_co\
        unt":700,"eval_duration":10407686000}
        """,  // capture 110
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.77276338Z","message":{"role":"assistant","content":" (D\
        ) Venice"},"done":true,"done_reason":"stop","total_duration":1576622043,"load_duration":1422884295,"prompt_eval_\
        count":13,"prompt_eval_duration":52943000,"eval_count":7,"eval_duration":97411000}
        """,  // capture 20
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.831879346Z","message":{"role":"assistant","content":" (\
        "},"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.847584074Z","message":{"role":"assistant","content":"D"\
        },"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.861940635Z","message":{"role":"assistant","content":")"\
        },"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.878348064Z","message":{"role":"assistant","content":" V\
        enice"},"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.922057343Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"stop","total_duration":123059374,"load_duration":1400374,"prompt_eval_count":13,"pro\
        mpt_eval_duration":28626000,"eval_count":7,"eval_duration":89546000}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:36.070383163Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"load"}
        """,  // capture 27
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:36.094445444Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"load"}
        """,  // capture 29
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.87329806Z","message":{"role":"assistant","content":" Pa\
        ris"},"done":false}
        """,  // capture 60
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.888981116Z","message":{"role":"assistant","content":"."\
        },"done":false}
        """,  // capture 60
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.932717175Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}
        """,  // capture 60
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.9327407Z","message":{"role":"assistant","content":""},"\
        done":true,"done_reason":"stop","total_duration":100980392,"load_duration":1920305,"prompt_eval_count":13,"promp\
        t_eval_duration":35769000,"eval_count":5,"eval_duration":59264000}
        """,  // capture 60
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.976231922Z","message":{"role":"assistant","content":" P\
        aris"},"done":false}
        """,  // capture 61
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.992181763Z","message":{"role":"assistant","content":"."\
        },"done":false}
        """,  // capture 61
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.044096836Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}
        """,  // capture 61
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.04472047Z","message":{"role":"assistant","content":""},\
        "done":true,"done_reason":"stop","total_duration":111198623,"load_duration":4727354,"prompt_eval_count":13,"prom\
        pt_eval_duration":35528000,"eval_count":5,"eval_duration":67801000}
        """,  // capture 61
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.205611253Z","message":{"role":"assistant","content\
        ":"When"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.218516393Z","message":{"role":"assistant","content\
        ":" I"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.231186696Z","message":{"role":"assistant","content\
        ":" went"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.244004647Z","message":{"role":"assistant","content\
        ":" to"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:17.984216703Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:17.99732205Z","message":{"role":"assistant","content"\
        :" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.010404262Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.023424693Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.656555775Z","message":{"role":"assistant","content\
        ":" \\na a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a"},"done":false}
        """,  // capture 88
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:23.372017928Z","message":{"role":"assistant","content\
        ":"{\\n\\n  \\"name\\": \\"Test2018\\",\\n  \\"age\\": 1800000000000000\\n\\n  }"},"done":true,"done_reason":"st\
        op","total_duration":962720616,"load_duration":831431,"prompt_eval_count":12,"prompt_eval_duration":70839000,"ev\
        al_count":39,"eval_duration":869831000}
        """,  // capture 94
    ]

    /// Errors, before and in a stream.
    static let errors = [
        """
        {"error":"server busy, please try again.  maximum pending requests exceeded"}
        """,  // capture 100
        """
        {"error":"model 'nope:1b' not found"}
        """,  // capture 22
        """
        {"error":"model 'nope' not found"}
        """,  // capture 22b
        """
        {"error":"unexpected EOF"}
        """,  // capture 23
        """
        {"error":"missing request body"}
        """,  // capture 25
        """
        {"error":"model is required"}
        """,  // capture 26
        """
        {"error":"json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"}
        """,  // capture 30
        """
        {"error":"option \\"temperature\\" must be of type float32"}
        """,  // capture 32
        """
        {"error":"registry.ollama.ai/library/llama3.2:1b does not support tools"}
        """,  // capture 36
        """
        {"error":"\\"llama3.2:1b\\" does not support thinking"}
        """,  // capture 37
        """
        {"error":"an error was encountered while running the model: unexpected EOF"}
        """,  // capture 83
        """
        {"error":"an error was encountered while running the model: unexpected EOF"}
        """,  // capture 85
        """
        {"error":"{\\"error\\":{\\"code\\":400,\\"message\\":\\"request (6007 tokens) exceeds the available context size\
         (4096 tokens), try increasing it\\",\\"type\\":\\"exceed_context_size_error\\",\\"n_prompt_tokens\\":6007,\\"n_\
        ctx\\":4096}}"}
        """,  // capture 91
    ]
}
