"""Page configuration and navigation; run by `elbo app`."""

import streamlit as st

from app import link, session
from app.views import explore, latent_map, models, reconstruct, train

st.set_page_config(page_title="Elbo Room", page_icon=":material/blur_on:", layout="wide")
session.begin()
st.navigation(
    link.pages(
        {
            "explore": st.Page(explore.page, title="Explore", icon=":material/tune:", default=True),
            "train": st.Page(train.page, title="Train", url_path="train", icon=":material/play_circle:"),
            "reconstruct": st.Page(
                reconstruct.page, title="Reconstruct", url_path="reconstruct", icon=":material/compare:"
            ),
            "map": st.Page(latent_map.page, title="Latent map", url_path="map", icon=":material/scatter_plot:"),
            "models": st.Page(models.page, title="Models", url_path="models", icon=":material/list:"),
        }
    ),
    position="top",
).run()
