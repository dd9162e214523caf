"""Page configuration and navigation; the script that `server.py` runs for every visitor."""

import streamlit as st

from app import lab, link, session
from app.chrome import course, presenter, say
from app.views import compare, explore, latent_map, models, reconstruct, train
from vae_core.config.errors import ElboRoomError

# Drawn here: Streamlit would fetch the picture of a named icon from the internet.
ICON = """<svg viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#4f5bd5"/><path
d="M4 25C12 25 11 7 16 7S20 25 28 25" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>"""

st.set_page_config(page_title="Elbo Room", page_icon=ICON, layout="wide")
page = st.navigation(
    link.pages(
        {
            "": {
                "explore": st.Page(explore.page, title="Explore", icon=":material/tune:", default=True),
                "train": st.Page(train.page, title="Train", url_path="train", icon=":material/play_circle:"),
                "reconstruct": st.Page(
                    reconstruct.page, title="Reconstruct", url_path="reconstruct", icon=":material/compare:"
                ),
                "map": st.Page(latent_map.page, title="Latent map", url_path="map", icon=":material/scatter_plot:"),
                "models": st.Page(models.page, title="Models", url_path="models", icon=":material/list:"),
                "compare": st.Page(compare.page, title="Compare", url_path="compare", icon=":material/view_column:"),
            },
            "KL lab": {
                "lab": st.Page(lab.start, title="All views", url_path="lab"),
                **{name: st.Page(page, title=view.title, url_path=name) for name, (view, page) in lab.VIEWS.items()},
            },
        }
    ),
    position="top",
)
session.begin()
try:
    link.arrive(page.url_path or "explore")
    course.arrange([view for view, _ in lab.VIEWS.values()])
    presenter.begin(page.url_path or "explore", lab.ORDER)
    page.run()
except ElboRoomError as problem:  # what no page says itself: the home cannot be read, for one
    say.error(problem)
finally:
    session.end()
